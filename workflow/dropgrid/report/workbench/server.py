"""The addresses of the workbench's server; docs/corrections.md documents them."""

from __future__ import annotations

import json
import mimetypes
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ... import __version__, report
from ...apply_corrections import document
from ...audio.artwork import small_covers
from ...base import strict_json
from ...base.colours import SECTION_COLOURS, SECTION_COLOURS_ON_DARK
from ...base.errors import DropgridError
from ...base.text import fault
from ...correcting.session import NothingToUndo
from ...records.model import LABELS
from ...results.saved_lists import SavedList, checked, read_lists
from .. import encode
from ..bundle import bundle
from ..collect import costs, evaluations, systems
from ..page import STYLES, costs_json, evaluations_json, head
from .audio import NoSound, Sounds, peaks, playable, waveform
from .guard import MAX_BODY, Guard
from .state import Changed, NoSuchTrack, Workbench

MAX_EDITS = 100


class JSONResponse(Response):
    """JSON in ASCII, because file names may contain undecodable bytes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The content as JSON without NaN."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


Handler = Callable[[Request], Awaitable[Response]]


class Mixing(Protocol):
    """Answers requests about mixing (dropgrid.mixing.requests)."""

    def following(self, track: str, course: str = ...) -> dict[str, Any]:
        """The best tracks after a track."""
        ...

    def between(self, track: str, following: str) -> dict[str, Any]:
        """The transition from one track to another."""
        ...

    def arranged(
        self, tracks: Sequence[str], locked: Mapping[int, str], curve: str = ...
    ) -> list[str]:
        """The tracks in the best order, with locked tracks at their places."""
        ...

    def written(self, tracks: Sequence[str], kind: str) -> bytes:
        """A set as a file."""
        ...


def application(workbench: Workbench, mixing: Mixing, token: str, port: int) -> Guard:
    """The application, for an ASGI server on the loopback interface."""
    sounds = Sounds()
    pages = _static_files()

    async def page(request: Request) -> Response:
        return _static(pages, request.path_params.get("name", "index.html"))

    async def library(request: Request) -> Response:
        revision, rows = await run_in_threadpool(workbench.rows)
        return JSONResponse(
            {
                "revision": revision,
                "results": str(workbench.session.results.folder.absolute()),
                "corrections": str(workbench.session.file.absolute()),
                "version": __version__,
                "labels": LABELS,
                "keys": encode.keys(),
                "colours": {"light": SECTION_COLOURS, "dark": SECTION_COLOURS_ON_DARK},
                "tracks": rows,
                "unread": workbench.unread,
            }
        )

    async def cost(request: Request) -> Response:
        return JSONResponse(
            costs_json(await run_in_threadpool(costs, workbench.session.results.folder))
        )

    async def evaluation(request: Request) -> Response:
        found = await run_in_threadpool(evaluations, workbench.session.results.folder)
        others = await run_in_threadpool(systems, workbench.session.results.folder)
        return JSONResponse(evaluations_json(found, others))

    async def changes(request: Request) -> Response:
        since = _whole(request, "since", 0, 10**9)
        revision, rows = await run_in_threadpool(workbench.changes, since)
        return JSONResponse({"revision": revision, "tracks": rows, "unread": workbench.unread})

    async def corrections(request: Request) -> Response:
        corrections = await run_in_threadpool(document.read, workbench.session.file)
        name = {"content-disposition": 'attachment; filename="corrections.json"'}
        return Response(
            document.to_bytes(corrections), media_type="application/json", headers=name
        )

    async def track(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(workbench.track, _track(request)))

    async def edit(request: Request) -> Response:
        body = await _body(request)
        steps, revision = body.get("edits"), body.get("revision")
        if not isinstance(steps, list) or not 1 <= len(steps) <= MAX_EDITS:
            raise HTTPException(400, f"edits: not a list of 1 to {MAX_EDITS}")
        if not all(isinstance(step, dict) for step in steps):
            raise HTTPException(400, "edits: not a list of objects")
        if revision is not None and type(revision) is not int:
            raise HTTPException(400, "revision: not a whole number")
        return JSONResponse(
            await run_in_threadpool(workbench.edit, _track(request), steps, revision)
        )

    def undo(again: bool) -> Handler:
        async def run(request: Request) -> Response:
            await _body(request)
            return JSONResponse(await run_in_threadpool(workbench.undo, _track(request), again))

        return run

    async def audio(request: Request) -> Response:
        song = playable(await run_in_threadpool(workbench.audio, _track(request)))
        kind = mimetypes.guess_type(song.name)[0] or "application/octet-stream"
        return FileResponse(song, media_type=kind if kind.startswith(("audio/", "video/"))
                            else "application/octet-stream")  # fmt: skip

    async def decoded(request: Request) -> Path:
        track = _track(request)
        song = playable(await run_in_threadpool(workbench.audio, track))
        return await run_in_threadpool(sounds.decoded, track, song)

    async def wav(request: Request) -> Response:
        return FileResponse(await decoded(request), media_type="audio/wav")

    async def picture(request: Request) -> Response:
        columns = _whole(request, "columns", 1, 40_000)
        path = workbench.session.results.features(_track(request))
        workbench.read_state(_track(request))
        try:
            data = await run_in_threadpool(waveform, path, columns)
        except (OSError, ValueError, KeyError, EOFError):
            raise HTTPException(404, "the features of this track were deleted") from None
        return Response(data, media_type="application/octet-stream")

    async def detail(request: Request) -> Response:
        start, end = (_number(request, name) for name in ("start", "end"))
        columns = _whole(request, "columns", 1, 8_000)
        path = await decoded(request)
        try:
            data = await run_in_threadpool(peaks, path, start, end, columns)
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return Response(data, media_type="application/octet-stream")

    async def following(request: Request) -> Response:
        workbench.read_state(_track(request))
        course = request.query_params.get("energy", "steady")
        return JSONResponse(await run_in_threadpool(mixing.following, _track(request), course))

    async def between(request: Request) -> Response:
        track, following = _track(request), str(request.path_params["following"])
        workbench.read_state(track)
        workbench.read_state(following)
        return JSONResponse(await run_in_threadpool(mixing.between, track, following))

    async def arranged(request: Request) -> Response:
        body = await _body(request)
        tracks, locked = _texts(body, "tracks"), body.get("locked", {})
        if not isinstance(locked, dict) or not all(key.isdigit() for key in locked):
            raise HTTPException(400, "locked: not an object of places")
        places = {int(place): str(track) for place, track in locked.items()}
        curve = str(body.get("energy", "free"))
        order = await run_in_threadpool(mixing.arranged, tracks, places, curve)
        return JSONResponse({"tracks": order})

    async def set_file(request: Request) -> Response:
        body = await _body(request)
        kind = str(body.get("kind"))
        data = await run_in_threadpool(mixing.written, _texts(body, "tracks"), kind)
        return Response(data, media_type="application/octet-stream")

    async def lists(request: Request) -> Response:
        return _lists(await run_in_threadpool(read_lists, workbench.session.results.folder))

    async def keep(request: Request) -> Response:
        body = await _body(request)
        kept = checked(body.get("name"), body.get("tracks"))
        replaced = body.get("instead_of")
        if replaced is not None and not isinstance(replaced, str):
            raise HTTPException(400, "instead_of: not a text")
        return _lists(await run_in_threadpool(workbench.keep_list, kept, replaced))

    async def delete(request: Request) -> Response:
        name = (await _body(request)).get("name")
        if not isinstance(name, str):
            raise HTTPException(400, "name: not a text")
        return _lists(await run_in_threadpool(workbench.delete_list, name))

    async def cover(request: Request) -> Response:
        song = playable(await run_in_threadpool(workbench.audio, _track(request)))
        sizes = await run_in_threadpool(small_covers, Path(song))
        if not sizes:
            raise HTTPException(404, "this file has no cover")
        return Response(sizes[-1], media_type="image/jpeg")

    track_path = "/api/tracks/{track}"
    routes: list[tuple[str, Handler, str]] = [
        ("/", page, "GET"), ("/static/{name}", page, "GET"),
        ("/api/library", library, "GET"), ("/api/changes", changes, "GET"),
        ("/api/costs", cost, "GET"), ("/api/evaluation", evaluation, "GET"),
        ("/api/corrections", corrections, "GET"), (track_path, track, "GET"),
        (f"{track_path}/edit", edit, "POST"), (f"{track_path}/undo", undo(False), "POST"),
        (f"{track_path}/redo", undo(True), "POST"), (f"{track_path}/audio", audio, "GET"),
        (f"{track_path}/audio.wav", wav, "GET"), (f"{track_path}/waveform", picture, "GET"),
        (f"{track_path}/peaks", detail, "GET"), (f"{track_path}/next", following, "GET"),
        (f"{track_path}/into/{{following}}", between, "GET"), ("/api/set", arranged, "POST"),
        ("/api/set/file", set_file, "POST"), (f"{track_path}/cover", cover, "GET"),
        ("/api/lists", lists, "GET"), ("/api/lists/keep", keep, "POST"),
        ("/api/lists/delete", delete, "POST"),
    ]  # fmt: skip
    app = Starlette(
        routes=[
            Route(f"/{token}{at}", answered(handler), methods=[how]) for at, handler, how in routes
        ],
        lifespan=lambda _: _closing(sounds),
        max_body_size=MAX_BODY,
    )
    app.router.redirect_slashes = False
    return Guard(app, token, port)


@asynccontextmanager
async def _closing(sounds: Sounds) -> AsyncIterator[None]:
    try:
        yield
    finally:
        sounds.close()


def answered(handler: Handler) -> Handler:
    """A handler whose errors become responses with the reason."""

    async def run(request: Request) -> Response:
        try:
            return await handler(request)
        except HTTPException as error:
            return _refused(error.status_code, error.detail)
        except NoSuchTrack as error:
            return _refused(404, str(error))
        except (Changed, NothingToUndo) as error:
            return _refused(409, str(error))
        except NoSound as error:
            return _refused(415, str(error))
        except DropgridError as error:
            return _refused(400, str(error))
        except OSError as error:
            return _refused(507, f"could not be saved or read: {fault(error)}")

    return run


def _refused(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)


def _lists(found: Sequence[SavedList]) -> JSONResponse:
    return JSONResponse({"lists": [{"name": x.name, "tracks": x.tracks} for x in found]})


def _track(request: Request) -> str:
    return str(request.path_params["track"])


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    values = body.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise HTTPException(400, f"{name}: not a list of texts")
    return values


def _number(request: Request, name: str) -> float:
    try:
        value = float(request.query_params[name])
    except (KeyError, ValueError):
        raise HTTPException(400, f"{name}: not a number") from None
    if not 0 <= value <= 1e9:  # false for NaN too
        raise HTTPException(400, f"{name}: out of range")
    return value


def _whole(request: Request, name: str, low: int, high: int) -> int:
    value = _number(request, name)
    if value != int(value) or not low <= value <= high:
        raise HTTPException(400, f"{name}: not a whole number from {low} to {high}")
    return int(value)


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises HTTPException."""
    try:
        values = strict_json.loads(await request.body())
    except ValueError as error:
        raise HTTPException(400, f"the body is not JSON ({error})") from None
    if not isinstance(values, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return values


def _static_files() -> dict[str, bytes]:
    """The files of the page by name; its modules are bundled into one script."""
    static = files(report) / "static"
    found = {name: (static / name).read_bytes() for name in ("page.html", "boot.js", *STYLES)}
    links = "".join(f'<link rel="stylesheet" href="static/{name}">\n' for name in STYLES)
    start = head(links + '<script src="static/boot.js" defer></script>').encode()
    found["index.html"] = start + (static / "index.html").read_bytes()
    script = bundle("served_main.js", lambda name: (static / name).read_text(encoding="utf-8"))
    return found | {"workbench.js": script.encode()}


def _static(pages: dict[str, bytes], name: str) -> Response:
    if name not in pages:
        raise HTTPException(404, "there is no such file")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(pages[name], media_type=kind)


def serve(workbench: Workbench, mixing: Mixing, listening: socket.socket, token: str) -> None:
    """Serve a workbench on a socket until Ctrl-C."""
    import uvicorn

    from .connections import BoundedProtocol

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            workbench.dismiss()  # pages that wait would be cut off, each with a traceback
            super().handle_exit(sig, frame)

    application_ = application(workbench, mixing, token, listening.getsockname()[1])
    config = uvicorn.Config(
        application_, http=BoundedProtocol, log_level="warning", access_log=False,
        server_header=False, date_header=False, proxy_headers=False, ws="none",
        limit_concurrency=200,
        timeout_keep_alive=30, timeout_graceful_shutdown=1, h11_max_incomplete_event_size=16_384,
    )  # fmt: skip
    Server(config).run(sockets=[listening])


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(24)
