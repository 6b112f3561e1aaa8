"""Nothing half-written under the final name, and nothing destroyed that is no regular file."""

import os
import stat
from pathlib import Path

import pytest

from cacre.files import atomic_writer, is_special


def write(path, text="new\n"):
    with atomic_writer(path) as stream:
        stream.write(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_only_at_the_end(tmp_path):
    path = tmp_path / "deep" / "out.txt"
    with atomic_writer(path) as stream:
        stream.write("一行\r\n二行\n")
        stream.flush()
        assert not path.exists()
    assert path.read_bytes() == "一行\r\n二行\n".encode()
    assert names(path.parent) == ["out.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_what_stood_there(tmp_path, error):
    path = tmp_path / "out.txt"
    path.write_text("old\n")
    with pytest.raises(error), atomic_writer(path) as stream:
        stream.write("half")
        raise error("stop")
    assert path.read_text() == "old\n"
    assert names(tmp_path) == ["out.txt"]


def test_permissions_of_an_existing_file_are_kept(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old\n")
    path.chmod(0o640)
    write(path)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new\n", 0o640)


def test_a_new_file_gets_the_usual_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "out.txt")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    # mkstemp alone would give 0o600, which no group could read.
    assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == 0o640


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "out.txt").write_text("old\n")
    link = tmp_path / "link.txt"
    link.symlink_to(Path("target") / "out.txt")
    write(link)
    assert link.is_symlink()
    assert (tmp_path / "target" / "out.txt").read_text() == "new\n"
    assert names(tmp_path / "target") == ["out.txt"]


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe, "一行\n")
        content = os.read(reader, 100)
    finally:
        os.close(reader)
    assert content == "一行\n".encode()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


def test_the_null_device_stays(tmp_path):
    link = tmp_path / "null"
    link.symlink_to(os.devnull)
    write(link)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert link.is_symlink()


def test_a_folder_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(IsADirectoryError, match="out"):
        write(tmp_path / "out")
    assert names(tmp_path) == ["out"]


def test_what_is_special(tmp_path):
    (tmp_path / "file").touch()
    assert is_special(os.devnull)
    assert is_special(tmp_path)
    assert not is_special(tmp_path / "file")
    assert not is_special(tmp_path / "none")
