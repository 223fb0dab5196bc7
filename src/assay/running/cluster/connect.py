"""Joining a Ray cluster, or starting one on this machine."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from assay.errors import UnsupportedError, UsageError, one_line, reason
from assay.records.machine import processors

LOCAL = "127.0.0.1"
AUTO = "auto"
BESIDE_DATA = 512 * 1024**2
"""Bytes of shared memory beside the data set, for checkpoints on their way."""

REACHED = 10.0
"""Seconds within which a cluster's machine has to answer."""
CLIENT_TRIES = 3
"""A busy cluster may take longer to start a client's server than Ray waits for it."""

FRAME, SETTINGS = 9, 4
"""Bytes of the head of a frame of HTTP/2, and the kind of frame with which both sides begin (RFC 9113)."""
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0])
"""How a client begins: by a preface, and settings, of which it has none."""

OF_CLIENTS, OF_NODES = "/ray.rpc.RayletDriver/ClusterInfo", "/ray.rpc.NodeInfoGcsService/GetClusterId"
"""Methods of the servers for clients, and for the nodes of a cluster."""

ADDRESS = re.compile(r"(ray://)?[A-Za-z0-9._-]+:[0-9]{1,5}")
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray's own settings: it does not report its use to anyone, and leaves CUDA_VISIBLE_DEVICES alone."""


TOKEN = Path("~/.ray/auth_token")
"""What Ray's nodes prove each other with, where there is such a file; Ray's client has to be told to."""


def ray() -> Any:
    """Return the library. Raises `UnsupportedError` if it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if TOKEN.expanduser().is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
    except ImportError:
        raise UnsupportedError("--on ray needs Ray (pip install 'assay[ray]')") from None
    return ray


def join(address: str | None, slots: int | None, data_bytes: int) -> None:
    """Connect this process to the cluster at ``address``, or to a new one on this machine.

    The new one listens on the loopback interface alone, has no dashboard, and has ``slots`` processors, by
    default this machine's. Raises `UsageError` if there is no cluster at ``address``.
    """
    library = ray()
    if library.is_initialized():
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    if address is None:
        options |= {
            "address": "local",  # not another one that runs here
            "num_cpus": slots or processors(),
            "object_store_memory": data_bytes + BESIDE_DATA,
            "_node_ip_address": LOCAL,
        }
    else:
        options = {"address": address, "log_to_driver": False, "logging_level": "ERROR"}
    if address is not None:
        expect_listener(address)
    with _in_one_line(address):
        _begin(library, options)


def _begin(library: Any, options: dict[str, Any]) -> None:
    """Initialise Ray; a client tries again where the server that is started for it was not up in time."""
    for left in reversed(range(CLIENT_TRIES if str(options["address"]).startswith("ray://") else 1)):
        try:
            library.init(**options)
        except ConnectionError:
            if not left:
                raise
            library.shutdown()
        else:
            return


def expect_cluster(address: str) -> None:
    """Raise `UsageError` unless somebody listens at ``address``; "auto" joins the cluster at once."""
    if address == AUTO:
        join(address, None, 0)
    else:
        expect_listener(address)


def expect_listener(address: str) -> None:
    """Check an address: HOST:PORT, ray://HOST:PORT or "auto".

    Raises `UsageError` if it is none of these, or if nobody listens there, or somebody who does not answer as
    Ray does: Ray would wait for minutes.
    """
    if address == AUTO:
        return
    if not ADDRESS.fullmatch(address):
        raise UsageError(f"--on ray: {address!r} is no address, expected HOST:PORT, ray://HOST:PORT or auto")
    host, _, port = address.removeprefix("ray://").partition(":")
    with _in_one_line(address), socket.create_connection((host, int(port)), timeout=REACHED) as connection:
        if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
            return
        _expect_http2(connection)
        _expect_kind(address, f"{host}:{port}")


def _expect_http2(connection: socket.socket) -> None:
    """Raise `ConnectionError` unless whoever listens greets as HTTP/2 does, in which Ray's servers speak."""
    answer = b""
    with suppress(OSError):  # silent, or gone
        connection.sendall(GREETING)
        while len(answer) < FRAME and (more := connection.recv(FRAME - len(answer))):
            answer += more
    if len(answer) < FRAME or answer[3] != SETTINGS:
        raise ConnectionError("what listens there does not answer as Ray does")


def _expect_kind(address: str, place: str) -> None:
    """Raise `ConnectionError` for the port of a client's server without ray://, and for another with it."""
    with suppress(ImportError):  # without gRPC there are no clients
        if address == place and _has(place, OF_CLIENTS):
            raise ConnectionError(f"that is the port for Ray's clients: --on ray://{place}")
        if address != place and _has(place, OF_NODES):
            raise ConnectionError(
                f"that is no port for Ray's clients, such as 10001, but the cluster's: {place}"
            )


def _has(place: str, method: str) -> bool:
    """Whether the server at HOST:PORT has a method of Ray's, even if it asks for a token."""
    import grpc

    with grpc.insecure_channel(place, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary(method)(b"", timeout=REACHED)
        except grpc.RpcError as error:
            return bool(error.code() is grpc.StatusCode.UNAUTHENTICATED)
    return True


@contextmanager
def _in_one_line(address: str | None) -> Iterator[None]:
    """Say in one line why there is no cluster at an address."""
    try:
        yield
    except (ConnectionError, RuntimeError, ValueError, OSError, OverflowError) as error:
        lines = reason(error).strip().splitlines()
        why = one_line(lines[0]) if lines else type(error).__name__
        where = address or "this machine"
        raise UsageError(
            f"--on ray: no cluster can be used at {where} ({why}; `ray start` on this machine joins one)"
        ) from None


def is_client() -> bool:
    """Whether this process is not a node of the cluster but talks to it as Ray's client (ray://)."""
    connected: bool = ray().util.client.ray.is_connected()
    return connected


def leave() -> None:
    """Disconnect; a cluster that `join` started ends."""
    ray().shutdown()
