"""Nothing half-written under the final name, and nothing destroyed that is no regular file."""

import errno
import os
import pickle
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cacre.errors import OutputError
from cacre.files import atomic_writer, descriptor_of, is_special, is_standard_output


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
    with pytest.raises(OutputError, match="out: cannot be written: Is a directory: name a file in it"):
        write(tmp_path / "out")
    assert names(tmp_path) == ["out"]


def test_an_error_names_the_output_and_not_the_temporary_file(tmp_path, monkeypatch):
    def refuse(**options):
        raise PermissionError(errno.EACCES, "Permission denied", f"{options['dir']}/.out.txt.x.part")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    path = tmp_path / "out.txt"
    with pytest.raises(OutputError) as caught:
        write(path)
    advice = "change the permissions, or name another output (-o)"
    assert str(caught.value) == f"{path}: cannot be written: Permission denied: {advice}"
    assert (caught.value.errno, isinstance(caught.value, OSError)) == (errno.EACCES, True)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (OutputError, str(caught.value))


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/out\.txt: cannot be written"):
        write(tmp_path / "file" / "out.txt")


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_full_disk_is_named(size):
    with pytest.raises(OutputError, match="/dev/full: cannot be written: No space left on device: free some space"):
        write("/dev/full", "x" * size)


def test_a_file_that_grows_too_large_is_named_and_removed(tmp_path):
    path = tmp_path / "out.txt"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(OutputError) as caught, atomic_writer(path) as stream:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            stream.write("x" * 100_000)
            stream.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(caught.value).startswith(f"{path}: cannot be written: File too large")
    assert names(tmp_path) == []


def test_what_fails_while_a_file_is_written_is_not_laid_at_its_door(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_writer(tmp_path / "out.txt"):
        (tmp_path / "none").read_text()
    assert not isinstance(caught.value, OutputError)


def test_a_pipe_that_nobody_reads_is_no_error_of_ours(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(BrokenPipeError), atomic_writer(pipe) as stream:
        os.close(reader)
        stream.write("x")


STREAMS = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"]


def writers(folder, redirection, output, *words):
    """Let a shell start a writer for each of the words, all of which have the same standard output."""
    code = "import sys, cacre.files\nwith cacre.files.atomic_writer(sys.argv[1]) as f: print(sys.argv[2], file=f)"
    (folder / "link").symlink_to("/dev/stdout")
    (folder / "write.py").write_text(code, encoding="utf-8")
    loop = f'for word in {" ".join(words)}; do "$0" write.py "$1" "$word" || exit 1; done {redirection}'
    done = subprocess.run(["sh", "-c", loop, sys.executable, output], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return (folder / "out.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("output", STREAMS)
def test_writers_of_one_redirected_stream_add_to_it(tmp_path, output):
    assert writers(tmp_path, "> out.txt", output, "甲", "乙") == "甲\n乙\n"
    assert names(tmp_path) == ["link", "out.txt", "write.py"]


@pytest.mark.parametrize("output", STREAMS)
def test_what_a_stream_appends_to_stays(tmp_path, output):
    (tmp_path / "out.txt").write_text("旧\n", encoding="utf-8")
    assert writers(tmp_path, ">> out.txt", output, "甲", "乙") == "旧\n甲\n乙\n"


def test_any_open_descriptor_is_written_to_and_stays_open(tmp_path):
    with (tmp_path / "out.txt").open("w+", encoding="utf-8") as file:
        file.write("旧\n")
        file.flush()
        write(f"/dev/fd/{file.fileno()}")
        file.write("more\n")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "旧\nnew\nmore\n"
    assert names(tmp_path) == ["out.txt"]


def test_a_descriptor_that_is_not_open_is_named():
    with pytest.raises(OutputError, match="/dev/fd/999: cannot be written: Bad file descriptor"):
        write("/dev/fd/999")


def test_which_paths_stand_for_descriptors(tmp_path):
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "5").touch()
    (tmp_path / "fds").symlink_to("/dev/fd")
    numbers = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2, "/dev/fd/7": 7, f"/proc/{os.getpid()}/fd/7": 7}
    assert {path: descriptor_of(path) for path in numbers} == numbers
    assert descriptor_of(tmp_path / "fds" / "7") == 7
    for other in ("-", "/dev/null", "/dev/fd", "/dev/fd/x", tmp_path / "5", tmp_path / "round", tmp_path / "none"):
        assert descriptor_of(other) is None, other
    assert [is_standard_output(path) for path in ("-", "/dev/stdout", "/dev/stderr", "out.txt")] == [1, 1, 0, 0]


@pytest.mark.parametrize("name", ["长" * 82 + ".jsonl", "a" * 255, "长" * 85, "é" * 127])
def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path, name):
    with atomic_writer(tmp_path / name) as stream:
        stream.write("new\n")
        [unfinished] = names(tmp_path)
        assert unfinished.startswith(f".{name[:20]}") and unfinished.endswith(".part")
    assert names(tmp_path) == [name]


def test_too_long_a_name_is_refused_at_once(tmp_path):
    path = tmp_path / ("长" * 86)
    with pytest.raises(OutputError, match="cannot be written: File name too long"), atomic_writer(path):
        raise AssertionError("the work is done for nothing")


def test_what_is_special(tmp_path):
    (tmp_path / "file").touch()
    assert is_special(os.devnull)
    assert is_special(tmp_path)
    assert is_special("/dev/stdout")
    assert is_special("/dev/fd/999")
    assert not is_special(tmp_path / "file")
    assert not is_special(tmp_path / "none")
    assert not is_special(tmp_path / ("长" * 86))
