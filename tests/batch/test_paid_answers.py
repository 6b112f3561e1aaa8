"""Copies of paid answers lie where nobody else can put any; what is cut off takes the place of nothing good."""

import os
import shutil
import tempfile
from hashlib import sha256

import pytest

from cacre.batch.shards import PaidAnswers
from cacre.batch.storage import Folder
from cacre.batch.units import Unit
from cacre.errors import CacreError, ConfigError
from cacre.llm.cache import _AnswerFile
from cacre.llm.chat import ChatAnswer, Usage

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


@pytest.fixture
def stored(tmp_path):
    """Where the answers of the unit are stored."""
    return tmp_path / "out" / "_cache" / "00003.sqlite"


def add(path, *keys):
    file = _AnswerFile(path)
    for key in keys:
        file.write(key, ChatAnswer("无" * 2000, "m", "stop", Usage(1, 1)))
    file.close()


def keys_in(path):
    file = _AnswerFile(path)
    keys = {key.decode() for (key,) in file._connection.execute("SELECT key FROM answers")}
    file.close()
    return keys


@pytest.fixture
def lost_copy(answers, place, monkeypatch):
    """What a worker that was lost has left on this machine: one answer, which is stored nowhere."""

    def upload(*_):
        raise OSError("the worker is lost here")

    with monkeypatch.context() as lost:
        lost.setattr("cacre.batch.shards._upload", upload)
        with pytest.raises(OSError, match="lost here"), answers.shard(UNIT) as path:
            add(path, "here")
    return path


def test_a_worker_finds_the_copy_of_a_lost_one(answers, place, lost_copy, stored):
    with answers.shard(UNIT) as path:
        assert path == lost_copy
        assert keys_in(path) == {"here"}
        assert [folder.stat().st_mode & 0o777 for folder in (place, path.parent)] == [0o700, 0o700]
        assert path.parent.parent == place
    assert keys_in(stored) == {"here"}
    assert not list(path.parent.iterdir())


def test_the_copy_of_a_lost_worker_and_what_another_machine_stored_since_are_put_together(answers, lost_copy, stored):
    add(stored, "there")
    with answers.shard(UNIT) as path:
        add(path, "new")
    assert keys_in(stored) == {"here", "there", "new"}
    answers.merge()
    assert keys_in(stored.with_name("answers.sqlite")) == {"here", "there", "new"}


@pytest.mark.parametrize("cut", [0, 5000])
def test_a_download_that_is_cut_off_leaves_the_stored_answers_as_they_are(cut, answers, place, stored, monkeypatch):
    add(stored, *map(str, range(20)))
    content = stored.read_bytes()

    def broken(source, target, *_):
        target.write(source.read(cut))
        raise OSError(5, "the network is gone")

    with monkeypatch.context() as torn:
        torn.setattr(shutil, "copyfileobj", broken)
        with pytest.raises(OSError, match="network is gone"), answers.shard(UNIT):
            pytest.fail("it was taken")
    assert stored.read_bytes() == content
    assert not [path for path in place.rglob("*") if path.is_file()]
    with answers.shard(UNIT) as path:
        assert len(keys_in(path)) == 20


def test_what_is_no_cache_is_not_uploaded_and_named(answers, place, stored):
    add(stored, "there")
    content = stored.read_bytes()
    with (
        pytest.raises(ConfigError, match=rf"^{place}/\w+/00003\.sqlite: no cache of answers"),
        answers.shard(UNIT) as path,
    ):
        path.write_bytes(content[:5000])
    assert stored.read_bytes() == content
    path.unlink()
    stored.write_bytes(content[:5000])
    with pytest.raises(ConfigError, match=rf"^{stored}: no cache of answers, or a damaged one"):
        answers.merge()


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
