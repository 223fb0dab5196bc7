"""Nobody gets in without the token, from another page, or by another name; nothing outside is read."""

import socket
import string
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from patience import PATIENCE
from probing import METHODS, crowded, escapes, is_outside, is_refused, paths, probes, talking
from serving import Served, serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from assay.errors import UsageError
from assay.view import bodies, server
from assay.view.app import ROUTES
from assay.view.guard import Guard


def test_no_probe_gets_in(served: Served, keys: dict[str, str]) -> None:
    """Each route x method x token, host or origin: none answered but with the reason why not."""
    asked = probes(served, keys["trained"])
    assert len(asked) >= 500
    with talking(served) as ask:
        assert [probe for probe in asked if not is_refused(ask, probe)] == []


def test_with_the_token_only_the_declared_methods_are_answered(served: Served, keys: dict[str, str]) -> None:
    right = {"Authorization": f"Bearer {served.token}"}
    with talking(served) as ask:
        for path, route in zip(paths(keys["trained"]), ROUTES, strict=True):
            declared = route.methods
            assert declared in ({"GET", "HEAD"}, {"POST"}), path
            for method in {"GET", *METHODS[2:]} - declared:
                assert ask(method, path, right)[0] == 405, (method, path)
            if "GET" in declared and not path.endswith("stream"):
                status, sent, _ = ask("GET", path, right)
                assert status == 200, path
                assert sent["x-content-type-options"] == "nosniff"
                assert "unsafe-inline" not in sent["content-security-policy"].partition("style-src")[0]
                assert "access-control-allow-origin" not in sent


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_names_of_the_loopback_are_accepted(served: Served, host: str) -> None:
    right = {"Authorization": f"Bearer {served.token}", "Host": f"{host}:{served.port}"}
    with talking(served) as ask:
        assert ask("GET", "/", right)[0] == 200
        assert ask("GET", "/", right | {"Origin": f"http://{host}:{served.port}"})[0] == 200


def raw(served: Served, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection:
        connection.sendall(text)
        found = b""
        while part := connection.recv(65536):
            found += part
        return found


def test_a_host_is_given_once(served: Served) -> None:
    token = b"Authorization: Bearer " + served.token.encode() + b"\r\nConnection: close\r\n"
    host = f"Host: 127.0.0.1:{served.port}\r\n".encode()
    for headers in (b"", host + host, host + b"Host: evil.example\r\n"):
        assert raw(served, b"GET / HTTP/1.1\r\n" + headers + token + b"\r\n").startswith(b"HTTP/1.1 400")
    assert raw(served, b"GET / HTTP/1.0\r\n" + token + b"\r\n").startswith(b"HTTP/1.1 400")
    assert raw(served, b"GET / HTTP/1.1\r\n" + host + token + b"\r\n").startswith(b"HTTP/1.1 200")


def test_a_head_that_is_too_long_is_refused(served: Served) -> None:
    host = f"Host: 127.0.0.1:{served.port}\r\n".encode()
    long = b"GET / HTTP/1.1\r\n" + host + b"Connection: close\r\nX: "
    for size in (40_000, 100_000):
        assert raw(served, long + b"x" * size + b"\r\n\r\n").startswith(b"HTTP/1.1 431")


def test_the_token_in_an_address_becomes_a_cookie(served: Served) -> None:
    status, sent, _ = served.ask("GET", f"/compare?a=&token={served.token}", {})
    assert (status, sent["location"]) == (303, "/compare?a=")
    cookie = sent["set-cookie"]
    assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    assert served.ask("GET", "/", {"Cookie": cookie.partition(";")[0]})[0] == 200
    assert served.ask("GET", f"//evil.example/?token={served.token}", {})[1]["location"] == "/evil.example/"
    status, sent, _ = served.ask("POST", f"/?token={served.token}", {})
    assert status == 405
    assert "set-cookie" not in sent


def test_no_path_leads_outside(served: Served, keys: dict[str, str], shelf: Path) -> None:
    secret = "the secret of the test"
    (shelf / "link").symlink_to(shelf / "secret")
    (shelf / "secret").write_text(secret)
    found = escapes(keys["trained"])
    assert len(found) >= 1000
    with talking(served) as ask:
        assert [path for path in found if is_outside(ask, path, served.token, secret.encode())] == []


@pytest.mark.parametrize("key", ["1;drop", "9" * 20, "x", quote("<script>"), "%00", "..", "a" * 12])
def test_an_unknown_id_is_not_found(served: Served, key: str) -> None:
    status, _, body = served.ask("GET", f"/study/{key}")
    assert status == 404
    assert b"<script>" not in body


@pytest.mark.parametrize(
    "query", ["metric=x", "arms=9", "arms=-1", "arms=" + "9" * 5000, "arms=%F0%9F%99%82", "arms="]
)
def test_a_query_that_makes_no_sense_is_said_to(served: Served, keys: dict[str, str], query: str) -> None:
    status, _, body = served.ask("GET", f"/study/{keys['interim']}/stream?{query}")
    assert status == 422
    assert b"expected" in body


def test_names_are_escaped(served: Served, keys: dict[str, str], undrawn: None) -> None:
    key = next(key for name, key in keys.items() if name.startswith("hostile"))
    for path in ("/", f"/study/{key}", f"/study/{key}/report.html", f"/compare?a={key}&b={key}"):
        body = served.get(path)
        assert b"<script>alert" not in body
        assert b"script&gt;" in body


def test_two_hundred_slow_clients_keep_nobody_waiting(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes after them is answered while they are still there."""
    monkeypatch.setattr(server, "PATIENCE", 3600.0)
    monkeypatch.setattr(bodies.read_body, "__defaults__", (bodies.MOST_BODY, 3600.0))
    with serving([shelf]) as patient, crowded(patient, 200) as slow:
        for _ in range(5):
            patient.get("/static/view.css")
        for one in slow:
            with pytest.raises(BlockingIOError):
                one.recv(1)


def test_who_does_not_come_to_the_point_is_hung_up_on(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.3)
    with serving([shelf]) as impatient:
        for first in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
            with socket.create_connection(("127.0.0.1", impatient.port), timeout=0.05) as slow:
                slow.sendall(first)
                assert is_hung_up_on(slow, time.monotonic() + PATIENCE)


def is_hung_up_on(slow: socket.socket, until: float) -> bool:
    """Send a byte now and then, which does not help."""
    while time.monotonic() < until:
        try:
            if not slow.recv(100):
                return True
        except TimeoutError:
            slow.sendall(b"x")
        except ConnectionError:
            return True
    return False


async def echo(request: Request) -> JSONResponse:
    return JSONResponse(await bodies.read_json(request))


@pytest.fixture(scope="module")
def echoing() -> Served:
    with serving_app([Route("/echo", echo, methods=["POST"])]) as found:
        yield found


@contextmanager
def serving_app(routes: list[Route]):
    """Serve an application of these routes behind the guard."""
    from serving import running

    with running(lambda token, port: guarded(routes, token, port)) as found:
        yield found


def guarded(routes: list[Route], token: str, port: int) -> Starlette:
    from starlette.middleware import Middleware

    return Starlette(routes=routes, middleware=[Middleware(Guard, token=token, port=port)])


JSON = {"Content-Type": "application/json"}


def post(served: Served, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    status, _, text = served.ask(
        "POST", "/echo", {"Authorization": f"Bearer {served.token}", **headers}, body
    )
    return status, text


def test_json_that_means_one_thing_is_read(echoing: Served) -> None:
    assert post(echoing, b'{"a": [1, 2.5, "\\u00e9"]}', JSON)[0] == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"NaN", b"[Infinity]", b"1e999", b"9" * 5000, b"[" * 60_000, b'{"a": 1, "a": 2}',
     b'"\\ud800"', b"\xff"],
    ids=["empty", "cut", "nan", "inf", "1e999", "digits", "nested", "twice", "surrogate", "bytes"],
)  # fmt: skip
def test_json_that_does_not_is_refused(echoing: Served, body: bytes) -> None:
    assert post(echoing, body, JSON)[0] == 400


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_foreign_form_could_send_is_refused(echoing: Served, kind: str) -> None:
    assert post(echoing, b"{}", {"Content-Type": kind})[0] == 415


def test_a_body_has_a_limit(echoing: Served) -> None:
    most = bodies.MOST_BODY
    assert post(echoing, b'"' + b"x" * (most - 2) + b'"', JSON)[0] == 200
    assert post(echoing, b'"' + b"x" * (most - 1) + b'"', JSON)[0] == 413


def test_a_body_without_end_is_cut_off(echoing: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    head = (
        f"POST /echo HTTP/1.1\r\nHost: 127.0.0.1:{echoing.port}\r\nAuthorization: Bearer {echoing.token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    assert raw(echoing, head + chunk * 17).startswith(b"HTTP/1.1 413")
    monkeypatch.setattr(bodies.read_body, "__defaults__", (bodies.MOST_BODY, 0.2))
    assert raw(echoing, head + b"1\r\n{\r\n").startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_another_host_is_refused_and_the_risk_said(host: str) -> None:
    with pytest.raises(UsageError, match=r"reads all results here, unencrypted .*--allow-remote"):
        server.bound(host)


def test_remote_names_must_be_addresses(served: Served) -> None:
    """A name can be made to point here by someone else, an address cannot."""
    guard = Guard(Starlette(), token="t", port=80, remote=True)
    assert guard._known("192.168.1.5:80")
    assert guard._known(f"{socket.gethostname()}:80")
    assert not guard._known("evil.example:80")
    assert not guard._known("192.168.1.5:81")


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_is_none(port: int) -> None:
    with pytest.raises(UsageError, match="expected 0 to 65535"):
        server.bound(port=port)


def test_a_port_in_use(served: Served) -> None:
    with pytest.raises(UsageError, match=f"--port {served.port}.*choose another"):
        server.bound(port=served.port)


def test_tokens_have_256_bits_and_differ() -> None:
    found = {server.new_token() for _ in range(100)}
    assert len(found) == 100
    assert all(
        len(token) == 43 and set(token) <= set(string.ascii_letters + string.digits + "-_") for token in found
    )


def test_what_is_small_is_sent_without_delay() -> None:
    """Asyncio sends at once only over sockets that name their protocol; else an answer takes 40 ms more."""
    with server.bound() as listening:
        assert listening.proto == socket.IPPROTO_TCP
