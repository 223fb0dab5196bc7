"""Engines whose sessions are spoilt on purpose, put where engines are looked up by their names."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from assay import engines
from assay.engines.base import Session


def spoil(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Session], None]) -> None:
    """Let ``change`` alter every session that the engine called ``name`` opens."""
    make = engines.ENGINES[name]

    def spoilt() -> Any:
        engine: Any = make()
        opened = engine.session

        def session(*arguments: Any) -> Session:
            found: Session = opened(*arguments)
            change(found)
            return found

        engine.session = session
        return engine

    monkeypatch.setitem(engines.ENGINES, name, spoilt)


def raising(error: BaseException) -> Callable[..., NoReturn]:
    """Return a function that raises ``error``, whatever it is given."""

    def broken(*_: object) -> NoReturn:
        raise error

    return broken


def fail_at_the_end(session: Any, error: BaseException) -> None:
    """Let a session's runs fail with ``error`` once they are trained."""
    session.memory = raising(error)
