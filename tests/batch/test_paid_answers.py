"""Copies of paid answers lie where nobody else can put any."""

import os
import tempfile
from hashlib import sha256

import pytest

from cacre.batch.shards import PaidAnswers
from cacre.batch.storage import Folder
from cacre.batch.units import Unit
from cacre.errors import CacreError

UNIT = Unit(3, "in.jsonl", "jsonl", 0, 9)


@pytest.fixture
def answers(tmp_path):
    """Those of a job on a cluster, on a machine whose temporary files are in `tmp`."""
    return PaidAnswers(Folder(str(tmp_path / "out")), copied=True)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder of the user, which is not there yet."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp" / f"cacre-{os.getuid()}"


def test_a_worker_finds_the_copy_of_a_lost_one(answers, place, tmp_path, monkeypatch):
    def upload(*_):
        raise OSError("the worker is lost here")

    monkeypatch.setattr("cacre.batch.shards._upload", upload)
    with pytest.raises(OSError, match="lost here"), answers.shard(UNIT) as path:
        path.write_bytes(b"answers")
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with answers.shard(UNIT) as path:
        assert path.read_bytes() == b"answers"
        assert [folder.stat().st_mode & 0o777 for folder in (place, path.parent)] == [0o700, 0o700]
        assert path.parent.parent == place
    assert (tmp_path / "out" / "_cache" / "00003.sqlite").read_bytes() == b"answers"


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("fault", ["link", "dangling", "file", "open to other users", "another user"])
def test_a_folder_that_may_be_of_somebody_else_is_refused(fault, inner, answers, place, tmp_path, monkeypatch):
    folder = place
    if inner:
        place.mkdir(mode=0o700)
        folder = place / sha256(answers.folder.url.encode()).hexdigest()[:16]
    elsewhere = tmp_path / "elsewhere"
    if fault != "dangling":
        elsewhere.mkdir(mode=0o700)
    if fault in ("link", "dangling"):
        folder.symlink_to(elsewhere, target_is_directory=True)
    elif fault == "file":
        folder.touch(mode=0o600)
    else:
        folder.mkdir(mode=0o700)
        folder.chmod(0o720 if fault == "open to other users" else 0o700)
    if fault == "another user":
        owner = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: owner + 1)
        place.rename(place.with_name(f"cacre-{owner + 1}"))
    said = {"dangling": "link", "another user": f"belongs to another user .uid {os.geteuid()}"}.get(fault, fault)
    with pytest.raises(CacreError, match=rf"cacre-\d+.* {said}.*: remove it, or set TMPDIR"), answers.shard(UNIT):
        pytest.fail("it was taken")


def test_where_there_are_no_owners_the_folder_of_temporary_files_is_taken_as_ones_own(answers, place, monkeypatch):
    monkeypatch.delattr(os, "getuid")
    with answers.shard(UNIT) as path:
        assert path.parent.parent == place.with_name("cacre")
