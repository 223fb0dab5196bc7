"""An address at which there is no cluster is refused in one line, within seconds; no cluster is started."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from assay.cli import main
from assay.errors import UsageError
from assay.running.cluster import connect

LOCAL = "127.0.0.1"


@contextmanager
def answering(answer: Callable[[socket.socket], None] | None) -> Iterator[int]:
    """Yield the port of a server that answers each connection once, or, with None, never accepts one."""
    with socket.create_server((LOCAL, 0)) as listening, ThreadPoolExecutor() as threads:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # closed
                    return
                with connection:
                    answer(connection)

        if answer is not None:
            threads.submit(serve)
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


class Silent(BaseHTTPRequestHandler):
    def log_message(self, *_) -> None:
        return


@contextmanager
def http() -> Iterator[int]:
    """Yield the port of a web server."""
    with HTTPServer((LOCAL, 0), Silent) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


OTHERS = {
    "a web server": http,
    "one that hangs up": lambda: answering(lambda connection: connection.recv(1)),
    "one that says something else": lambda: answering(
        lambda connection: connection.sendall(b"SSH-2.0-x\r\n")
    ),
}


@pytest.mark.parametrize("before", ["", "ray://"])
@pytest.mark.parametrize("other", OTHERS)
def test_what_is_not_ray_is_refused_in_one_line(other, before, capfd, monkeypatch):
    """And Ray, which would wait for minutes, is not asked."""
    monkeypatch.setattr(connect, "_begin", lambda *_: pytest.fail("Ray is asked"))
    with OTHERS[other]() as port:
        status = main(["run", "pooling", "--quick", "--on", f"{before}{LOCAL}:{port}"])
    out, err = capfd.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    where = f"no cluster can be used at {before}{LOCAL}:{port}"
    assert f"{where} (what listens there does not answer as Ray does; `ray start`" in err


def test_what_stays_silent_is_refused_after_a_while(monkeypatch):
    monkeypatch.setattr(connect, "REACHED", 0.2)
    with answering(None) as port, pytest.raises(UsageError, match="does not answer as Ray does"):
        connect.expect_listener(f"{LOCAL}:{port}")


@contextmanager
def rays(service: str, method: str) -> Iterator[int]:
    """Yield the port of a gRPC server with one of Ray's methods, that wants a token."""
    grpc = pytest.importorskip("grpc")

    def refuse(_: bytes, context: Any) -> bytes:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")

    methods = {method: grpc.unary_unary_rpc_method_handler(refuse)}
    server = grpc.server(ThreadPoolExecutor(1), [grpc.method_handlers_generic_handler(service, methods)])
    port = server.add_insecure_port(f"{LOCAL}:0")
    server.start()
    yield port
    server.stop(0).wait()


@pytest.mark.parametrize(
    ("of", "right", "wrong", "said"),
    [
        (
            connect.OF_NODES,
            "",
            "ray://",
            "that is no port for Ray's clients, such as 10001, but the cluster's: ",
        ),
        (connect.OF_CLIENTS, "ray://", "", "that is the port for Ray's clients: --on ray://"),
    ],
)
def test_each_of_rays_ports_is_for_its_own_kind_of_address(of, right, wrong, said):
    _, service, method = of.split("/")
    with rays(service, method) as port:
        place = f"{LOCAL}:{port}"
        connect.expect_listener(f"{right}{place}")
        with pytest.raises(UsageError) as caught:
            connect.expect_listener(f"{wrong}{place}")
    assert f"at {wrong}{place} ({said}{place}; " in str(caught.value)
