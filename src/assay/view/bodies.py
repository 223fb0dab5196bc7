"""Request bodies: read within limits of size and time, and parsed as unambiguous JSON."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MOST_BODY = 64 * 1024
"""Bytes that an endpoint accepts unless it says otherwise."""
PATIENCE = 10.0
"""Seconds within which a body has to arrive."""
MOST_DIGITS = 400
CLOSE = {"connection": "close"}
"""Ends the connection, since what is left of the body would be taken for the next request."""


async def read_body(request: Request, most: int = MOST_BODY, patience: float = PATIENCE) -> bytes:
    """Return a request's body; 413 if it is longer than ``most`` bytes, 408 if it takes too long."""
    too_long = f"the body may have {most:,} bytes at most"
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > most:
        raise HTTPException(
            413, f"the body may have {most:,} bytes at most; {length[:20]} are announced", CLOSE
        )
    found = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for part in request.stream():
                found += part
                if len(found) > most:
                    raise HTTPException(413, too_long, CLOSE)
    except TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {patience:g} s", CLOSE) from None
    except ClientDisconnect:
        raise HTTPException(400, "the body ended early") from None
    return bytes(found)


async def read_json(request: Request, most: int = MOST_BODY) -> Any:
    """Return a request's body as JSON.

    415 unless it says that it is JSON; 400 for what is not JSON, for numbers that are not finite, for keys
    that occur twice, for half characters and for lists nested without end.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, f"expected application/json; got {kind[:60] or 'no content type'}")
    body = await read_body(request, most)
    try:
        found = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse("numbers must be finite"),
            parse_float=_real,
            parse_int=_whole,
            object_pairs_hook=_unique,
        )
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # finds half characters
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        raise HTTPException(400, f"not JSON that can be read: {reason}") from None
    return found


def _refuse(why: str) -> Callable[[str], Any]:
    def refuse(text: str) -> Any:
        raise ValueError(f"{why}; got {text[:20]}")

    return refuse


def _real(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"numbers must be finite; got {text[:20]}")
    return value


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text):,} digits")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found
