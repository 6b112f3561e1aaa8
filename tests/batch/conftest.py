"""One Ray for all tests that need it."""

import pytest


@pytest.fixture(scope="session")
def ray_up():
    """A Ray of two CPUs, which the jobs of all tests use."""
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80 << 20)
    yield ray
    ray.shutdown()
