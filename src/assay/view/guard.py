"""Who may ask: the address the server was asked by, where the asking page is from, and the token."""

import ipaddress
import secrets
import socket
from collections.abc import Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The content security policy: only what the server itself sends; no script or style in a page."""
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups"
)
"""The policy of a report, which is one file with its own style, shown in a frame that may do nothing."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_HEADER = 32 * 1024
"""Bytes of a request's head."""
MOST_PORT_DIGITS = 5
MOST_FIELDS = 20


class Guard:
    """Middleware that lets a request through only with a known host, no foreign origin, and the token.

    The token comes in the address (``?token=``), which sets a cookie and is taken out of the address bar, in
    that cookie, or after ``Authorization: Bearer``. With ``remote``, a host may be any IP address, since an
    address, unlike a name, cannot be made to point here by someone else, and this machine's name.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int, remote: bool = False) -> None:
        self.app = app
        self.token = token
        self.port = port
        self.remote = remote
        self.cookie = f"assay-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the reason where a request may not pass."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(scope)
        await (answer or self.app)(scope, receive, protected)

    def _answer(self, scope: Scope) -> Response | None:
        """Return why the request may not pass, or where its token is put away; None where it may pass."""
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal:
            return refused(*refusal)
        query = _query(scope)
        if any(self._right(value) for key, value in query if key == "token"):
            return self._put_away(scope, query)
        if any(map(self._right, self._carried(headers))):
            return None
        return refused(401, "the token is missing or wrong (open the address that `assay view` printed)")

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Return what is wrong with a request, whatever its token."""
        size = len(scope["query_string"]) + sum(len(name) + len(value) for name, value in headers.raw)
        if size > MOST_HEADER:
            return 431, f"the head of a request may have {MOST_HEADER:,} bytes at most"
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            return 400, f"expected one Host header; got {len(hosts)}"
        if not self._known(hosts[0]):
            return 421, "this server is not known by that Host (open the address that it printed)"
        return None if self._own(headers) else (403, "requests of other pages are refused")

    def _known(self, host: str) -> bool:
        name, port = _split(host)
        if port != self.port:
            return False
        if name in LOOPBACK:
            return True
        return self.remote and (_is_address(name) or name == socket.gethostname().lower())

    def _own(self, headers: Headers) -> bool:
        """Whether no other page is behind the request."""
        origins = headers.getlist("origin")
        if any(not self._same(origin) for origin in origins):
            return False
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
        return site in ("none", "same-origin") or (mode == "navigate" and not origins)

    def _same(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme == "http" and self._known(parts.netloc) and not (parts.path or parts.query)

    def _right(self, offered: str) -> bool:
        return secrets.compare_digest(offered.encode("utf-8", "surrogateescape"), self.token.encode())

    def _carried(self, headers: Headers) -> Iterable[str]:
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            yield value.strip()
        try:
            cookies: Mapping[str, object] = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return
        if self.cookie in cookies:
            yield str(getattr(cookies[self.cookie], "value", ""))

    def _put_away(self, scope: Scope, query: list[tuple[str, str]]) -> Response | None:
        """Send a browser to the same address without the token, which its cookie carries from now on."""
        if scope["method"] not in ("GET", "HEAD"):
            return None
        rest = urlencode([(key, value) for key, value in query if key != "token"])
        path = "/" + quote(scope["path"].lstrip("/"))
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
        return answer


def refused(status: int, why: str) -> JSONResponse:
    """Return an answer that says in one line why there is no other."""
    return JSONResponse({"error": why}, status_code=status)


def _query(scope: Scope) -> list[tuple[str, str]]:
    try:
        return parse_qsl(scope["query_string"].decode("latin-1"), True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return []


def _split(host: str) -> tuple[str, int | None]:
    """Split ``name:port`` into both; the port is 80 where none stands, and None where it is not a number."""
    name, colon, port = host.strip().lower().rpartition(":")
    if not colon or port.endswith("]"):
        name, port = host.strip().lower(), "80"
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    sound = port.isascii() and port.isdigit() and len(port) <= MOST_PORT_DIGITS
    return name, int(port) if sound else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
