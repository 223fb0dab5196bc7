"""Requests that nobody honest makes of the local page: without token, from elsewhere, for paths outside."""

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import product

from patience import PATIENCE
from serving import Served

from assay.view.app import ROUTES

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
FILLED = {"{key}": "KEY", "{index:int}": "0", "{name:path}": "view.css"}
Ask = Callable[[str, str, dict[str, str]], tuple[int, dict[str, str], bytes]]
Probe = tuple[str, str, int, dict[str, str]]


def paths(key: str) -> list[str]:
    """Return an address for each route that there is."""
    found = []
    for route in ROUTES:
        path = route.path
        for field, value in FILLED.items():
            path = path.replace(field, value)
        found.append(path.replace("KEY", key))
    assert not any("{" in path for path in found)
    return found


@contextmanager
def talking(served: Served) -> Iterator[Ask]:
    """Keep a connection, over which one request after another goes."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)

    def ask(method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        sent = {key.lower(): value for key, value in answer.getheaders()}
        if sent.get("content-type", "").startswith("text/event-stream"):  # which would not end
            connection.close()
            return answer.status, sent, b""
        return answer.status, sent, answer.read()

    yield ask
    connection.close()


def probes(served: Served, key: str) -> list[Probe]:
    """Return path, method, the status that is due, and headers: each route x method x what is wrong."""
    right, port = {"Authorization": f"Bearer {served.token}"}, served.port
    wrong = {
        401: [
            {},
            {"Authorization": "Bearer "},
            {"Authorization": f"Bearer {served.token[:-1]}"},
            {"Cookie": f"assay-{served.port}=x"},
            {"Cookie": f"assay-{served.port + 1}={served.token}"},
        ],
        421: [right | {"Host": name} for name in ("evil.example", f"evil.example:{port}", "127.0.0.1")],
        403: [
            right | {"Origin": "http://evil.example"},
            right | {"Origin": "null"},
            right | {"Origin": f"http://127.0.0.1:{served.port + 1}"},
            right | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        ],
    }
    return [
        (path, method, status, headers)
        for path, method in product(paths(key), METHODS)
        for status, sets in wrong.items()
        for headers in sets
    ]


def is_refused(ask: Ask, probe: Probe) -> bool:
    """Whether a probe gets the reason why not, and nothing else."""
    path, method, due, headers = probe
    status, sent, body = ask(method, path, headers)
    silent = "access-control-allow-origin" not in sent and "set-cookie" not in sent
    return status == due and (b"error" in body or method == "HEAD") and silent


def escapes(key: str) -> list[str]:
    """Return more than a thousand addresses that lead out of where files lie, if one follows them."""
    up = ("..", "%2e%2e", "%2E.", "%252e%252e", "..%00", "....", "%c0%ae%c0%ae", "..;")
    slash = ("/", "%2f", "%5c", "\\", "%252f", "//", "/./")
    target = ("etc/passwd", "results.db", "etc%2fpasswd")
    bases = ("/static", "/static/vendor", "/study", f"/study/{key}", f"/study/{key}/image")
    climbs = [
        f"{base}{s}{s.join([u] * depth)}{s}{end}"
        for base, u, s, end, depth in product(bases, up, slash, target, (1, 6))
    ]
    others = ["//etc/passwd", "/static//etc/passwd", "/~root/.profile", "/C:/Windows/win.ini",
              "/static/C:%5cx", "/static/%5c%5chost%5cshare", f"/study/{key}/link",
              "/static/view.css%00.png", "/static/link", "/study/%00", f"/study/{key}/image/-1.png",
              f"/study/{key}/image/1e9.png"]  # fmt: skip
    return list(dict.fromkeys(climbs + others))


def is_outside(ask: Ask, path: str, token: str, secret: bytes) -> bool:
    """Whether an address is answered with anything but that it is not there."""
    status, _, body = ask("GET", path, {"Authorization": f"Bearer {token}"})
    leaked = any(part in body for part in (b"root:", secret, b"SQLite format"))
    return leaked or status not in (400, 404, 422)


@contextmanager
def crowded(served: Served, count: int) -> Iterator[list[socket.socket]]:
    """Keep ``count`` connections open: silent ones, half a head, and a body of which one byte has come.

    They are given as sockets that do not block.
    """
    host = f"Host: 127.0.0.1:{served.port}\r\n".encode()
    right = f"Authorization: Bearer {served.token}\r\n".encode()
    body = b"POST /draw/answer HTTP/1.1\r\n" + host + right
    begun = (
        b"",
        b"GET / HTTP/1.1\r\n" + host + b"X-Slow: ",
        body + b"Content-Type: image/png\r\nContent-Length: 1000\r\n\r\nx",
    )
    found = []
    with ExitStack() as open_ones:
        for number in range(count):
            slow = open_ones.enter_context(
                socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
            )
            slow.sendall(begun[number % len(begun)])
            slow.setblocking(False)
            found.append(slow)
        yield found


def waits(served: Served, path: str, times: int) -> list[float]:
    """Return how many seconds each of so many requests takes, in order of size."""
    found = []
    for _ in range(times):
        begun = time.monotonic()
        assert served.ask("GET", path)[0] == 200
        found.append(time.monotonic() - begun)
    return sorted(found)
