"""Parse command lines of Snakemake into options, values and targets, and report mistakes.

Snakemake's own parser lets an option swallow the targets that follow it (--config library=X
report) and makes no suggestion for a misspelt word. Callers pass the options and how many values
each takes; nothing here imports Snakemake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..base.errors import ConfigError
from ..base.text import suggestion

# Option -> how many values it takes: a number, "?" for at most one, "+" or "*" for any number.
Options = Mapping[str, str]
NUMBER = re.compile(r"-\d")


@dataclass(frozen=True)
class GivenOption:
    """An option of a command line: its full name, its values, and its words as typed."""

    name: str
    values: tuple[str, ...]
    words: tuple[str, ...]


def read(
    words: Sequence[str],
    options: Options,
    ends: Callable[[str, str], bool] = lambda option, word: False,
) -> tuple[list[str], list[GivenOption]]:
    """Return (the words that belong to no option, the options).

    ends: whether a word cannot be another value of an option that takes any number.
    Raises ConfigError for an unknown option.
    """
    free: list[str] = []
    given: list[GivenOption] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            return free + list(words[at:]), given
        if not is_option(word):
            free.append(word)
            continue
        name, inline = _name(word, options)
        values = [] if inline is None else [inline]
        takes = options[name]
        most = int(takes) if takes.isdigit() else 1 if takes == "?" else len(words)
        most = most if inline is None else 0
        while len(values) < most and at < len(words) and not is_option(words[at]):
            if not takes.isdigit() and ends(name, words[at]):
                break
            values.append(words[at])
            at += 1
        shown = (word,) if inline is not None else (word, *values)
        given.append(GivenOption(name, tuple(values), shown))
    return free, given


def is_option(word: str) -> bool:
    """Whether a word is an option, not a value or a target; -1 is a value."""
    return len(word) > 1 and word.startswith("-") and not NUMBER.match(word)


def check(words: Sequence[str], options: Options, program: str = "snakemake") -> None:
    """Raise ConfigError for mistakes that Snakemake does not explain: a misspelt option, and a
    target swallowed by --config. The message is one line that says what to type."""
    for option in read(words, options)[1]:
        if option.name not in ("--config", "-C"):
            continue
        for value in option.values:
            if "=" not in value:
                pairs = " ".join(v for v in option.values if "=" in v)
                raise ConfigError(
                    f"--config takes name=value, and {value} is not; a target stands before the "
                    f"options: {program} {value} ... --config {pairs}".rstrip()
                )


def _name(word: str, options: Options) -> tuple[str, str | None]:
    """The full name of an option, and the value in the same word, if any."""
    if not word.startswith("--"):
        return _short(word, options)
    name, equals, value = word.partition("=")
    whole = [name] if name in options else [o for o in options if o.startswith(name)]
    if not whole:
        long = [option for option in options if option.startswith("--")]
        raise ConfigError(f"{name}: there is no such option{suggestion(name, long)}")
    return whole[0], value if equals else None


def _short(word: str, options: Options) -> tuple[str, str | None]:
    """As _name, for one-letter options in one word: only the last of them can take values."""
    for at, letter in enumerate(word[1:], 2):
        name = f"-{letter}"
        if name not in options:
            raise ConfigError(f"{word}: there is no option {name}")
        if options[name] != "0" and at < len(word):
            return name, word[at:].removeprefix("=")
    return name, None
