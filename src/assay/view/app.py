"""The application: its routes, what stands around them, and what is said when something is not there."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from assay.errors import AssayError
from assay.view import live, looking, matrix, pages, sheet, static, step
from assay.view.guard import Guard, refused
from assay.view.shelf import Shelf

ROUTES: list[BaseRoute] = [
    *pages.ROUTES,
    *live.ROUTES,
    *looking.ROUTES,
    *matrix.ROUTES,
    *sheet.ROUTES,
    *step.ROUTES,
    *static.ROUTES,
]


def make_app(shelf: Shelf, *, token: str, port: int, remote: bool = False) -> Starlette:
    """Return the page for the studies on ``shelf``, as an ASGI application.

    It answers only who has the ``token``, asked at ``port`` of this machine, by its loopback names or, with
    ``remote``, by any of its addresses.
    """
    app = Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(Guard, token=token, port=port, remote=remote),
            Middleware(GZipMiddleware, minimum_size=1024),
        ],
        exception_handlers={HTTPException: _said, AssayError: _cannot, Exception: _bug},
    )
    app.router.redirect_slashes = False
    app.state.shelf = shelf
    return app


def _said(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return pages.trouble(request, error.status_code, error.detail)
    answer = refused(error.status_code, error.detail)
    answer.headers.update(error.headers or {})
    return answer


def _cannot(request: Request, error: Exception) -> Response:
    return _said(request, HTTPException(422, str(error)))


def _bug(request: Request, error: Exception) -> Response:
    del request
    return refused(500, f"unexpected {type(error).__name__} (a bug of assay's)")
