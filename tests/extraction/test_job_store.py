"""The record of finished rows."""

import os
import signal
import subprocess
import sys

import pytest

from cacre.errors import ConfigError, DataError
from cacre.extraction.job_store import JobStore, Outcome

ROW = {"id": "a", "text": "云岫科技由贺一鸣创办。"}


def test_what_is_put_comes_back_in_the_order_of_the_input(tmp_path):
    with JobStore(tmp_path / "job", {}) as store:
        for position in (2, 0, 1):
            store.put(position, ROW, Outcome({"number": position, "text": "雾"}))
        assert [outcome.row["number"] for outcome in store.outcomes()] == [0, 1, 2]
        assert [outcome.row["number"] for outcome in store.outcomes(2)] == [0, 1]
        assert len(store) == 3


def test_what_is_recorded_of_a_row_that_has_changed_is_left_out(tmp_path):
    rows = [{"text": f"第{number}段。"} for number in range(4)]
    with JobStore(tmp_path / "job", {}) as store:
        for position in (3, 0, 1):
            store.put(position, rows[position], Outcome({"number": position}, again=position == 0))
        assert list(store.outcomes_of(rows)) == [Outcome({"number": n}, again=n == 0) for n in (0, 1, 3)]
        assert [o.row["number"] for o in store.outcomes_of([rows[0], rows[2], rows[1], rows[3]])] == [0, 3]
        assert [o.row["number"] for o in store.outcomes_of(rows[:2])] == [0, 1]
        nested = {}
        for _ in range(100_000):
            nested = {"in": nested}
        assert [o.row["number"] for o in store.outcomes_of([nested, rows[1]])] == [1]


def test_a_row_is_finished_until_it_changes(tmp_path):
    with JobStore(tmp_path / "job", {}) as store:
        assert not store.finished(0, ROW)
        store.put(0, ROW, Outcome(ROW))
        assert store.finished(0, ROW)
        assert not store.finished(0, {**ROW, "text": "另一段。"})
        assert not store.finished(1, ROW)


def test_a_row_that_may_do_better_is_not_finished(tmp_path):
    with JobStore(tmp_path / "job", {}) as store:
        store.put(0, ROW, Outcome(None, ({"reason": "503"},), again=True))
        assert not store.finished(0, ROW)
        assert list(store.outcomes()) == [Outcome(None, ({"reason": "503"},), again=True)]
        store.put(0, ROW, Outcome(ROW))
        assert list(store.outcomes()) == [Outcome(ROW)]


def test_another_job_starts_over(tmp_path):
    with JobStore(tmp_path / "job", {"samples": 1}) as store:
        store.put(0, ROW, Outcome(ROW))
        assert not store.started_over
    with JobStore(tmp_path / "job", {"samples": 1}) as store:
        assert store.finished(0, ROW)
        assert not store.started_over
    with JobStore(tmp_path / "job", {"samples": 2}) as store:
        assert not store.finished(0, ROW)
        assert store.started_over


def test_clear_and_remove(tmp_path):
    store = JobStore(tmp_path / "job", {})
    store.put(0, ROW, Outcome(ROW))
    store.clear()
    assert len(store) == 0
    store.remove()
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_not_touched(tmp_path):
    path = tmp_path / "job"
    path.write_text("ours" * 300)
    with pytest.raises(ConfigError, match="move it away"):
        JobStore(path, {})
    assert path.read_text() == "ours" * 300


_CHILD = """
import sys
from cacre.extraction.job_store import JobStore, Outcome
store = JobStore(sys.argv[1], {})
for position in range(10**6):
    store.put(position, {"text": str(position)}, Outcome({"number": position}))
    print(position, flush=True)
"""


def test_a_killed_process_loses_no_row_that_was_put(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path / "job")], stdout=subprocess.PIPE, text=True)
    reported = [int(next(child.stdout)) for _ in range(200)]
    os.kill(child.pid, signal.SIGKILL)
    reported += [int(line) for line in child.stdout if line.endswith("\n")]
    child.wait()
    child.stdout.close()
    with JobStore(tmp_path / "job", {}) as store:
        assert all(store.finished(position, {"text": str(position)}) for position in reported)


def test_one_job_at_a_time(tmp_path):
    with JobStore(tmp_path / "job", {}) as store:
        store.put(0, ROW, Outcome(ROW))
        with pytest.raises(ConfigError, match="another job is at work"):
            JobStore(tmp_path / "job", {"samples": 2})
        child = subprocess.run([sys.executable, "-c", _CHILD, str(tmp_path / "job")], capture_output=True, text=True)
        assert "another job is at work" in child.stderr
        store.put(1, ROW, Outcome(ROW))
        assert len(store) == 2
    with JobStore(tmp_path / "job", {}) as store:
        assert len(store) == 2


def test_a_record_that_cannot_be_written_is_not_taken_for_another_file(tmp_path):
    (tmp_path / "job").mkdir()
    with pytest.raises(DataError, match="make it writable"):
        JobStore(tmp_path / "job", {})
