"""Fixtures shared by several folders; being here also lets tests import their neighbours, such as `tiny_model`."""

from pathlib import Path

import hypothesis
import pytest

# A slow machine must not fail a law: speed is measured in benchmarks/.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete model folder with hand-made graphs and thresholds that keep everything. Copy it to change it."""
    import tiny_model

    return tiny_model.build(tmp_path_factory.mktemp("models") / "tiny")
