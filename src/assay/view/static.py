"""The files that pages load: known by name when the server starts, so that no path is ever looked up."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@cache
def known() -> dict[str, tuple[bytes, str]]:
    """Return every file that is sent, by its name under ``/static/``, with its type."""
    found = dict(_under(files("assay.view").joinpath("static"), ""))
    style = files("assay.report").joinpath("templates", "report.css")
    return {**found, "report.css": (style.read_bytes(), "text/css")}


def _under(folder: Traversable, prefix: str) -> list[tuple[str, tuple[bytes, str]]]:
    found = []
    for item in folder.iterdir():
        kind = TYPES.get(item.name.rpartition(".")[2])
        if item.is_dir():
            found += _under(item, f"{prefix}{item.name}/")
        elif kind:
            found.append((prefix + item.name, (item.read_bytes(), kind)))
    return found


def _send(request: Request) -> Response:
    content, kind = known().get(request.path_params["name"], (b"", ""))
    if not kind:
        raise HTTPException(404, "no such file")
    return Response(content, media_type=kind)


ROUTES: list[BaseRoute] = [Route("/static/{name:path}", _send)]
