"""A Ray cluster whose nodes are all on this machine, for tests."""

import os
import random
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

SETTINGS = {
    "RAY_prestart_worker_first_driver": "0",  # one for each processor, whether it has a task or not
    "RAY_worker_niceness": "0",  # Ray's 15 leave workers nothing of processors that other tests keep busy
    "RAY_memory_monitor_refresh_ms": "0",  # it would end workers where other programs fill the memory
    "RAY_health_check_period_ms": "500",  # of a lost node: one that is slow has its ten seconds, five times
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "120",  # seconds for a client's server to start
}
"""Settings of Ray's for nodes that start quickly and do not depend on what else the machine does."""

STARTS = 4
"""How often a node is started until it is up: Ray gives it half a minute, however busy the machine is."""


def start_cluster(slots: int) -> Any:
    """Return a cluster of one node with so many processors, which a client can reach at its ``client``."""
    from ray.cluster_utils import Cluster

    def start() -> Any:
        port = _free_port()
        helpers = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
        head = {"num_cpus": slots, "ray_client_server_port": port, **helpers}
        made = Cluster(initialize_head=True, head_node_args=head)
        made.client = f"ray://{made.head_node.node_ip_address}:{port}"
        return made

    return _persist(start)


def add_node(cluster: Any, **resources: int) -> None:
    """Add a node with these resources to a cluster, unless it has one beside its first."""
    if not cluster.worker_nodes:
        _persist(lambda: cluster.add_node(**resources))


def training(*nodes: Any) -> list[int]:
    """Return the workers of nodes that train: Ray gives a process the title of what it does."""
    raylets = {one.process.pid for node in nodes for one in node.all_processes.get("raylet", [])}
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in raylets and (path / "cmdline").read_bytes().startswith(b"ray::train"):
                found.append(int(path.name))
    return found


def kill_training(*nodes: Any) -> list[int]:
    """Kill the workers of nodes that train, and return which they were."""
    found = training(*nodes)
    for pid in found:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return found


def _persist(start: Callable[[], Any]) -> Any:
    for _ in range(STARTS - 1):
        with suppress(Exception):
            return start()
    return start()


def _free_port() -> int:
    """Return a port that nobody is given by chance: from below those that the system hands out."""
    for port in random.sample(range(25_000, 32_000), 100):
        with suppress(OSError), socket.socket() as listening:
            listening.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
