"""The server: bound to the loopback, with short time limits, and ended without a trace."""

import asyncio
import ipaddress
import multiprocessing
import os
import secrets
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from assay.errors import UsageError, reason
from assay.view.app import make_app
from assay.view.guard import MOST_HEADER
from assay.view.shelf import Shelf

PATIENCE = 10.0
"""Seconds within which a request's head has to arrive, and after which an idle connection is closed."""
MOST_CONNECTIONS = 1000
LEAST_FILES = 32
"""Without as many, the server would say on stderr of each connection that it cannot be taken."""
LOOPBACK = "127.0.0.1"


class Impatient(H11Protocol):
    """uvicorn's HTTP, for clients that send a request's head within `PATIENCE` seconds."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once the head of a request is there."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before and self._late:
            self._late.cancel()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        if self._late:
            self._late.cancel()

    def send_400_response(self, msg: str) -> None:
        """Answer with the status that suits what is wrong, such as 431 for a head that is too long."""
        del msg
        hint = getattr(sys.exc_info()[1], "error_status_hint", 400)
        words = {431: b"Request Header Fields Too Large", 501: b"Not Implemented"}.get(hint, b"Bad Request")
        body = b'{"error": "not a request that can be read"}'
        head = (b"HTTP/1.1 %d %s" % (hint, words), b"content-type: application/json", b"connection: close")
        self.transport.write(b"\r\n".join((*head, b"content-length: %d" % len(body), b"", body)))
        self.transport.close()

    def _wait(self) -> None:
        if self._late:
            self._late.cancel()
        self._late = self.loop.call_later(PATIENCE, self.transport.close)


def bound(host: str = LOOPBACK, port: int = 0, *, remote: bool = False) -> socket.socket:
    """Return a socket bound to an address; port 0 takes any that is free.

    Raises `UsageError` for a port that cannot be had, and for a host other than the loopback unless
    ``remote`` allows it.
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"--port {port}: expected 0 to 65535")
    if not (remote or is_loopback(host)):
        raise UsageError(
            f"--host {host}: is not this machine alone: whoever reaches it and learns the address reads "
            "all results here, unencrypted (add --allow-remote if that is wanted)"
        )
    _expect_files()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named does asyncio send what is small without delay.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(256)
    except OSError as error:
        found.close()
        raise UsageError(
            f"--port {port} on {host}: cannot be had ({reason(error)}; choose another --port)"
        ) from None
    return found


def _expect_files() -> None:
    """Raise `UsageError` where the process may open too few files for a page and those who look at it."""
    if sys.platform == "win32":
        return
    from resource import RLIMIT_NOFILE, getrlimit

    if (allowed := getrlimit(RLIMIT_NOFILE)[0]) < LEAST_FILES:
        raise UsageError(
            f"the page needs {LEAST_FILES} open files or more, and `ulimit -n` allows {allowed} (raise it)"
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(listening: socket.socket, token: str, path: str = "") -> str:
    """Return the address to open, with the token: the first page, or that at ``path``."""
    host, port = listening.getsockname()[:2]
    name = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/{path}?token={token}"


def new_token() -> str:
    """Return a token of 256 random bits."""
    return secrets.token_urlsafe(32)


def serve(listening: socket.socket, folders: Sequence[Path], token: str, remote: bool = False) -> None:
    """Serve the page until the process is told to end."""
    asyncio.run(_serve(listening, folders, token, remote))


async def _serve(listening: socket.socket, folders: Sequence[Path], token: str, remote: bool) -> None:
    shelf = Shelf(folders)
    app = make_app(shelf, token=token, port=listening.getsockname()[1], remote=remote)
    shelf.read_ahead()
    await uvicorn.Server(configured(app)).serve([listening])


def configured(app: ASGIApp) -> uvicorn.Config:
    """Return how the page is served: quietly, and with bounds on what a client may send and when."""
    return uvicorn.Config(
        app,
        http=Impatient,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MOST_HEADER,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=int(PATIENCE),
        timeout_graceful_shutdown=1,
    )


@contextmanager
def beside(folders: Sequence[Path], listening: socket.socket, token: str) -> Iterator[None]:
    """Serve the page from a process of its own, at low priority, for as long as the block runs."""
    context: Any = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve_for_parent, args=(listening, folders, token), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(5)


def _serve_for_parent(listening: socket.socket, folders: Sequence[Path], token: str) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    stand_back()
    serve(listening, folders, token)


def stand_back() -> None:
    """Give this process low priority, where there is such a thing: whoever trains here comes first."""
    if hasattr(os, "nice"):
        os.nice(10)


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is no more, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
