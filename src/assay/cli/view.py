"""``assay view``: the local page for studies."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from assay.cli.options import number
from assay.cli.text import say
from assay.errors import UsageError

Folders = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DIR...]",
        show_default=False,
        help="Results folders, or folders that hold some; by default assay-runs.",
    ),
]
Port = Annotated[int, number("--port", "Listen here; by default on a port that is free.")]
Host = Annotated[str, typer.Option("--host", metavar="H", help="Another address of this machine.")]
AllowRemote = Annotated[
    bool, typer.Option("--allow-remote", help="Let other machines in, unencrypted, who know the address.")
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Print the address only; open no browser.")]


def view(
    folders: Folders = None,
    port: Port = 0,
    host: Host = "127.0.0.1",
    allow_remote: AllowRemote = False,
    no_open: NoOpen = False,
) -> None:
    """Open a page with all studies: live curves, reports, mistakes.

    It prints its address, and serves until Ctrl-C. Results are read and never written.

    Example: assay view assay-runs/pooling-quick
    """
    server, places = server_room(), chosen(folders)
    listening, token = server.bound(host, port, remote=allow_remote), server.new_token()
    server.stand_back()
    _announce(server.address(listening, token), no_open)
    server.serve(listening, places, token, allow_remote)


def draw(folders: Folders = None, port: Port = 0, no_open: NoOpen = False) -> None:
    """Open a sheet to draw on, read by a study's networks and the recogniser that comes with assay.

    It needs no study. It is a page of `assay view`, and serves until Ctrl-C.

    Example: assay draw assay-runs/pooling-quick
    """
    server, places = server_room(), chosen(folders)
    listening, token = server.bound(port=port), server.new_token()
    _announce(server.address(listening, token, "draw"), no_open)
    server.serve(listening, places, token)


def chosen(folders: list[str] | None) -> list[Path]:
    """Return the folders to serve; `UsageError` where one that was named is not there."""
    from assay.store.lookup import RUNS
    from assay.view.shelf import expect

    if folders:
        expect([Path(folder) for folder in folders])
    return [Path(folder) for folder in folders or [RUNS]]


def _announce(address: str, no_open: bool) -> None:
    say(address)
    if not no_open:
        show(address)


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Print and open the address of the page of the study in ``folder``, served while the block runs."""
    server = server_room()
    from assay.view.shelf import page_of

    listening, token = server.bound(), server.new_token()
    address = server.address(listening, token, page_of(folder))
    with server.beside([folder], listening, token):
        say(address)
        if sys.stdout.isatty():
            show(address)
        yield


def server_room() -> ModuleType:
    """Return `assay.view.server`; `UsageError` where what it needs is not installed."""
    try:
        from assay.view import server
    except ModuleNotFoundError as error:
        raise UsageError(f"the page needs {error.name} (pip install 'assay[view]')") from None
    return server


def show(address: str) -> None:
    """Open a browser at an address, where there is one; what it says is kept out of the terminal."""
    import webbrowser

    try:
        webbrowser.open(address)
    except webbrowser.Error:
        return
