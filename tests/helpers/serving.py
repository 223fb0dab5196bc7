"""The local page served from a thread, asked by plain sockets or looked at in a browser."""

import asyncio
import http.client
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from patience import PATIENCE, eventually
from starlette.types import ASGIApp

from assay.view import server
from assay.view.app import make_app
from assay.view.shelf import Shelf

WIDTHS = (390, 768, 1280)


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    token: str

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"{self.origin}/?token={self.token}"

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of a request; it carries the token unless it says otherwise."""
        carried = {"Authorization": f"Bearer {self.token}"} if headers is None else headers
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, carried)
            answer = connection.getresponse()
            sent = {key.lower(): value for key, value in answer.getheaders()}
            return answer.status, sent, answer.read()

    def get(self, path: str) -> bytes:
        status, _, body = self.ask("GET", path)
        assert status == 200, (status, body[:500])
        return body


@contextmanager
def serving(folders: Sequence[Path]) -> Iterator[Served]:
    """Serve the studies in ``folders`` from a thread."""
    with running(lambda token, port: make_app(Shelf(folders), token=token, port=port)) as found:
        yield found


@contextmanager
def apart(folders: Sequence[Path], *options: str) -> Iterator[tuple[Served, int]]:
    """Serve the studies in ``folders`` by `assay view` in a process of its own, whose id is given, too."""
    command = [sys.executable, "-m", "assay", "view", *map(str, folders), "--no-open", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        yield Served(int(address.split(":")[2].split("/")[0]), address.partition("token=")[2]), process.pid
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def running(make: Callable[[str, int], ASGIApp]) -> Iterator[Served]:
    """Serve the application that ``make`` returns for a token and a port from a thread."""
    listening, token = server.bound(), server.new_token()
    port = listening.getsockname()[1]
    work = uvicorn.Server(server.configured(make(token, port)))
    thread = threading.Thread(target=lambda: asyncio.run(work.serve([listening])), daemon=True)
    thread.start()
    yield Served(port, token)
    work.should_exit = True
    thread.join(PATIENCE)


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browsing() -> Iterator[Any]:
    """Give a browser, driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-quic"],
            timeout=2000 * PATIENCE,
        )
        yield browser
        browser.close()


def must_look() -> bool:
    """Whether tests may not be skipped for want of a browser."""
    return bool(os.environ.get("CI"))


class Tab:
    """A page in the browser that remembers what went wrong, and what was fetched."""

    def __init__(self, browser: Any, served: Served, **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.context.set_default_timeout(1000 * PATIENCE)  # milliseconds, for whatever is waited for
        self.page = self.context.new_page()
        self.served = served
        self.said: list[str] = []
        self.fetched: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.fetched.append(request.url))
        self.page.goto(served.address)

    def open(self, path: str) -> Any:
        self.page.goto(self.served.origin + path)
        return self.page

    def until(self, holds: Callable[[], Any]) -> None:
        """Wait until something holds, while the page goes on."""
        assert eventually(holds, lambda seconds: self.page.wait_for_timeout(1000 * seconds))

    def violations(self) -> list[str]:
        """Return what axe-core finds wrong with the page as it is, by rule and element."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [f"{item['id']}: {node['html'][:160]}" for item in found for node in item["nodes"]]

    def close(self) -> None:
        self.context.close()
