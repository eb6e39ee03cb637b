"""Tags that the analysis does not use: comment, rating, label.

Read when an export or the page asks for it, from the file as it is then, so that no record
changes when a user rates a song. As in dropgrid.audio.tags no file is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .artwork import pictures_in
from .tag_process import TagLimit, in_tag_process
from .tags import MAX_TEXT, _BoundedFile, _clean, _text

STARS = 5
# Names of each field in the formats, lower case, the best first.
FIELDS = {
    "label": ("tpub", "----:com.apple.itunes:label", "label", "organization", "publisher",
              "wm/publisher"),
    "remixer": ("tpe4", "----:com.apple.itunes:remixer", "remixer", "mixartist",
                "wm/modifiedby"),
    "composer": ("tcom", "©wrt", "composer", "wm/composer"),
    "number": ("trck", "trkn", "tracknumber", "wm/tracknumber"),
}  # fmt: skip
COMMENTS = ("comm:", "comm::", "©cmt", "comment", "description", "txxx:comment")
# Of a rating in ID3's POPM, the least byte of each star, as most programs write and read it.
POPM_STARS = (1, 32, 96, 160, 224)


@dataclass(frozen=True)
class DjTags:
    """An absent text is ""; rating: stars from 1, 0 for none; bitrate: kbit/s, 0 if unknown."""

    comment: str = ""
    label: str = ""
    remixer: str = ""
    composer: str = ""
    number: int = 0
    rating: int = 0
    bitrate: int = 0
    has_cover: bool = False


def read_dj_tags(path: Path) -> DjTags:
    """The further tags of a file; what cannot be read is absent. Never raises."""
    with suppress(TagLimit, OSError):
        return DjTags(**in_tag_process(dj_fields, path))
    return DjTags()


def dj_fields(path: Path) -> dict[str, Any]:
    """The fields of DjTags that a file has. For the tag process: raises MemoryError."""
    import mutagen

    try:
        with path.open("rb") as stream:
            bounded: Any = _BoundedFile(stream, str(path))
            file = mutagen.File(bounded)
            return {} if file is None else asdict(_of(file))
    except MemoryError:
        raise
    except Exception:  # a tag reader meets every kind of broken file
        return {}


def _of(file: Any) -> DjTags:
    tags = file.tags if file.tags is not None else {}
    fields = {str(key).lower(): tags[key] for key in list(tags.keys())}
    texts = {name: _first(fields, names) for name, names in FIELDS.items()}
    number = re.match(r"\(?\s*([0-9]{1,4})", texts.pop("number"))
    return DjTags(
        comment=_comment(fields),
        number=int(number[1]) if number else 0,
        rating=_rating(fields),
        bitrate=round((getattr(file.info, "bitrate", 0) or 0) / 1000),
        has_cover=bool(pictures_in(file)),
        **texts,
    )


def _first(fields: dict[str, Any], names: Iterable[str]) -> str:
    for name in names:
        if name in fields and (text := _clean("; ".join(_texts(fields[name])))):
            return text
    return ""


def _texts(value: Any) -> list[str]:
    values = getattr(value, "text", value)
    items = values[:20] if isinstance(values, list) else [values]
    return [_text(item)[: 4 * MAX_TEXT] for item in items]


def _comment(fields: dict[str, Any]) -> str:
    """The comment that programs show: the comment without a description."""
    bare = [name for name in fields if re.fullmatch(r"comm:(:...)?", name)]
    return _first(fields, (*sorted(bare), *COMMENTS))


def _rating(fields: dict[str, Any]) -> int:
    """Stars, from the field that a format has for them."""
    for name, value in fields.items():
        if name.startswith("popm"):
            byte = int(getattr(value, "rating", 0) or 0)
            return sum(byte >= least for least in POPM_STARS)
    if "fmps_rating" in fields:
        return _stars(fields["fmps_rating"], 1.0)
    for name in ("rating", "rate", "wm/shareduserrating"):
        if name in fields:
            return _stars(fields[name], 100.0)
    return 0


def _stars(value: Any, full: float) -> int:
    """Stars of a number; one of up to five is stars already."""
    try:
        number = float(_texts(value)[0])
    except (ValueError, IndexError):
        return 0
    if full > 1 and 0 <= number <= STARS:
        return round(number)
    return max(0, min(STARS, round(STARS * number / full))) if number == number else 0
