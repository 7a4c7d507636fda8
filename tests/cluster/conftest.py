"""A real Ray cluster of two machines on this one: each has a process of its own that manages it, and a store."""

import signal

import pytest

STORE = 100 * 2**20
"""Bytes of each machine's store."""


class Machines:
    """A cluster of machines with one core each.

    Args:
        count: how many.
        store: bytes of the store of each.
        client_port: where it answers `ray://`.
    """

    def __init__(self, count: int = 2, store: int = STORE, client_port: int | None = None) -> None:
        from ray.cluster_utils import Cluster

        self._store = store
        head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": store}
        head["ray_client_server_port"] = client_port
        self._handler = signal.getsignal(signal.SIGTERM)
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes = [self.join() for _ in range(count - 1)]
        self._cluster.wait_for_nodes()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def join(self):
        """Adds a machine."""
        return self._cluster.add_node(num_cpus=1, object_store_memory=self._store)

    def lose(self, node) -> None:
        """Takes a machine away without a warning."""
        self._cluster.remove_node(node, allow_graceful=False)

    def close(self) -> None:
        import ray

        ray.shutdown()
        self._cluster.shutdown()
        signal.signal(signal.SIGTERM, self._handler)  # each machine has put its own there


@pytest.fixture(scope="module")
def two_machines():
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    machines = Machines()
    yield machines
    machines.close()


@pytest.fixture
def machines():
    """Two machines that a test may take away."""
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    machines = Machines()
    yield machines
    machines.close()
