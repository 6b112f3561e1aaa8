"""The whole job on Ray: workers and drivers are killed, files are broken, the disk is full; each row comes out once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from candidate_files import candidate_rows, filtered, invoke, read_jsonl, write_jsonl

from cacre.batch import BatchJob, Workers, run_batch
from cacre.errors import CacreError

psutil = pytest.importorskip("psutil")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
    pytest.mark.usefixtures("ray_up"),
]


@pytest.fixture
def inputs(tmp_path):
    """Five files of eight rows each, one of them no JSONL, and one broken Parquet file."""
    folder = tmp_path / "in"
    for number in range(5):
        write_jsonl(folder / f"{number}.jsonl", candidate_rows(8, 8 * number))
    (folder / "2.jsonl").write_bytes(b"\xff\xfe\x00 no text\n")
    (folder / "x.parquet").write_bytes(b"PAR1")
    return folder


def good_rows():
    return [row for start in (0, 8, 24, 32) for row in candidate_rows(8, start)]


def worker_pids():
    """The workers that judge, of any Ray of this test."""
    processes = psutil.Process().children(recursive=True)
    return [process.pid for process in processes if "UnitWorker" in "".join(process.cmdline())]


def check(output, model, scratch):
    kept, rejected, _ = filtered(good_rows(), scratch, model)
    assert read_jsonl(output / "kept") == kept
    assert read_jsonl(output / "rejected") == rejected
    errors = read_jsonl(output / "errors")
    assert [Path(error["path"]).name for error in errors] == ["2.jsonl", "x.parquet"]


def test_a_lost_worker_and_broken_files_lose_and_double_nothing(inputs, tmp_path, tiny_folder):
    killed = []

    def kill_one(progress):
        if progress.done == 2:
            killed.extend(worker_pids()[:1])
            os.kill(killed[0], signal.SIGKILL)

    job = BatchJob((str(inputs),), str(tmp_path / "out"), str(tiny_folder), unit_bytes=1500)
    counts = run_batch(job, Workers(count=2), kill_one)
    assert killed
    assert (counts["rows"], counts["errors"]) == (32, 2)
    check(tmp_path / "out", tiny_folder, tmp_path)
    result = invoke("batch", inputs, tmp_path / "out", "--model", tiny_folder, "--unit-size", 1500)
    assert result.exit_code == 0, result.stderr
    assert "32 rows, " in result.stderr
    assert "2 rows or files could not be used, listed in" in result.stderr


def test_a_killed_driver_is_gone_on_with(inputs, tmp_path, tiny_folder):
    output = tmp_path / "out"
    arguments = ["batch", inputs, output, "--model", tiny_folder, "--unit-size", 400, "--concurrency", 1]
    code = "from cacre.cli import app; app()"
    driver = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stderr=subprocess.DEVNULL)
    while not list((output / "_commits").glob("*.json")):
        assert driver.poll() is None, "the job ended before it could be killed"
        time.sleep(0.01)
    driver.kill()
    driver.wait()
    assert not (output / "_SUCCESS").exists()
    done = {path: path.stat().st_mtime_ns for path in output.glob("_commits/*.json")}
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "by earlier runs" in result.stderr
    assert done.items() <= {path: path.stat().st_mtime_ns for path in output.glob("_commits/*.json")}.items()
    check(output, tiny_folder, tmp_path)


def test_an_output_within_the_input_folder_is_gone_on_with(tmp_path, tiny_folder):
    folder = write_jsonl(tmp_path / "in" / "a.jsonl", candidate_rows(8)).parent
    job = BatchJob((str(folder),), str(folder / "out"), str(tiny_folder), unit_bytes=1500)
    first = run_batch(job, Workers(count=1))
    (folder / "out" / "_SUCCESS").unlink()
    assert run_batch(job, Workers(count=1)) == first
    assert first["rows"] == 8


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 100 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_stops_the_job_and_room_lets_it_go_on(inputs, tmp_path, small_disk, tiny_folder):
    (small_disk / "ballast").write_bytes(b"x" * 70_000)
    job = BatchJob((str(inputs),), str(small_disk / "out"), str(tiny_folder), unit_bytes=1500)
    with pytest.raises(CacreError, match=r"the disk is full .*what is committed .*stays.*run the same command again"):
        run_batch(job, Workers(count=1))
    commits = list((small_disk / "out" / "_commits").glob("*.json"))
    assert all(json.loads(path.read_text(encoding="utf-8"))["counts"] for path in commits)
    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=10m", small_disk], check=True)
    run_batch(job, Workers(count=1))
    check(small_disk / "out", tiny_folder, tmp_path)
