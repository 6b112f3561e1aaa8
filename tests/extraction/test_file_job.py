"""A job over a file: outputs appear when all rows are done, and not before."""

import asyncio
import json
import os
import signal

import pytest

from cacre.data import dump_row, write_rows
from cacre.errors import BudgetError, ConfigError, DataError, UnavailableError
from cacre.extraction.file_job import FileJob, JobFiles, Outlet
from cacre.extraction.job_store import Outcome

ROWS = [{"id": f"r{number}", "text": f"第{number}段。"} for number in range(6)]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def files(tmp_path):
    write_rows(tmp_path / "in.jsonl", ROWS)
    odd = Outlet(str(tmp_path / "odd.jsonl"), lambda row: row if row["number"] % 2 else None)
    return JobFiles(str(tmp_path / "in.jsonl"), (Outlet(str(tmp_path / "out.jsonl")), odd))


async def number(row):
    return Outcome({**row.raw, "number": int(row.raw["id"][1:])})


def run(files, work=number, width=2, **options):
    with FileJob(files, **options) as job:
        asyncio.run(job.work_off(work, width=width))
        job.write()
        return job


def test_outputs_in_the_order_of_the_input_and_nothing_else_left(files, tmp_path):
    async def slow_first(row):
        await asyncio.sleep(0.01 if row.raw["id"] == "r0" else 0)
        return await number(row)

    job = run(files, slow_first)
    assert job.total == 6
    assert [row["number"] for row in lines(tmp_path / "out.jsonl")] == list(range(6))
    assert [row["number"] for row in lines(tmp_path / "odd.jsonl")] == [1, 3, 5]
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl", "odd.jsonl"}


def test_failed_rows_are_in_the_errors_file_with_their_place(files, tmp_path):
    async def work(row):
        if row.raw["id"] == "r2":
            raise UnavailableError("503")
        return await number(row)

    assert run(files, work).state.failed == 1
    assert [row["id"] for row in lines(tmp_path / "out.jsonl")] == ["r0", "r1", "r3", "r4", "r5"]
    [entry] = lines(tmp_path / "out.errors.jsonl")
    assert (entry["path"], entry["line"], entry["id"], entry["reason"]) == (files.source, 3, "r2", "503")
    run(files)
    assert not (tmp_path / "out.errors.jsonl").exists()


def test_a_stopped_job_writes_what_it_has_beside_and_goes_on(files, tmp_path):
    async def work(row):
        if row.raw["id"] == "r3":
            raise BudgetError("spent")
        return await number(row)

    run(files, work, width=1)
    assert not (tmp_path / "out.jsonl").exists()
    assert [row["id"] for row in lines(tmp_path / "out.partial.jsonl")] == ["r0", "r1", "r2"]
    asked = []

    async def rest(row):
        asked.append(row.raw["id"])
        return await number(row)

    assert run(files, rest).state.resumed == 3
    assert sorted(asked) == ["r3", "r4", "r5"]
    assert [row["id"] for row in lines(tmp_path / "out.jsonl")] == [row["id"] for row in ROWS]
    assert not list(tmp_path.glob("*partial*"))


def test_a_stopped_job_writes_nothing_of_texts_that_the_input_no_longer_has(files, tmp_path):
    def stopping_at(name):
        async def work(row):
            if row.raw["id"] == name:
                raise BudgetError("spent")
            if row.raw["id"] == "r1":
                raise UnavailableError("503")
            return await number(row)

        return work

    run(files, stopping_at("r5"), width=1)
    changed = [{**row, "id": f"r1{row['id'][1:]}"} if place in (1, 2, 3) else row for place, row in enumerate(ROWS)]
    write_rows(tmp_path / "in.jsonl", changed)
    assert run(files, stopping_at("r12"), width=1).state.resumed == 1
    assert [row["id"] for row in lines(tmp_path / "out.partial.jsonl")] == ["r0", "r11", "r4"]
    assert not files.errors.exists(), "the failed row has gone, too"


def test_without_resume_all_is_done_anew(files):
    async def stop(row):
        raise BudgetError("spent") if row.raw["id"] == "r3" else await number(row)

    with FileJob(files) as job:
        asyncio.run(job.work_off(number, width=2))
    assert run(files, resume=False).state.resumed == 0


def test_a_bad_row_is_refused_before_any_work(files, tmp_path):
    write_rows(tmp_path / "in.jsonl", [*ROWS, {"id": "bad"}])
    with pytest.raises(DataError, match=r"in\.jsonl:7: text: is missing"), FileJob(files):
        pytest.fail("the job began")
    assert not list(tmp_path.glob("*.sqlite"))


def test_bad_rows_can_be_skipped(files, tmp_path):
    write_rows(tmp_path / "in.jsonl", [ROWS[0], {"id": "bad"}, ROWS[1]])
    skipping = JobFiles(files.source, files.outlets, "skip")
    assert run(skipping).total == 2
    assert [row["id"] for row in lines(tmp_path / "out.jsonl")] == ["r0", "r1"]
    [entry] = lines(tmp_path / "out.errors.jsonl")
    assert (entry["line"], entry["field"]) == (2, "text")


def test_limit(files, tmp_path):
    assert run(files, limit=2).total == 2
    assert len(lines(tmp_path / "out.jsonl")) == 2


def test_an_interrupt_lets_the_rows_in_work_end(files, tmp_path):
    async def work(row):
        if row.raw["id"] == "r1":
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.02)
        return await number(row)

    job = run(files, work)
    assert isinstance(job.state.stopped_by, KeyboardInterrupt)
    done = [row["id"] for row in lines(tmp_path / "out.partial.jsonl")]
    assert "r1" in done
    assert len(done) < len(ROWS)


def test_a_second_interrupt_ends_it_at_once(files):
    async def work(row):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError), FileJob(files) as job:
        asyncio.run(job.work_off(work, width=1))


@pytest.mark.parametrize("output", ["in.jsonl", "out.errors.jsonl", "./out.jsonl", "out.job.sqlite"])
def test_a_file_is_not_named_twice(tmp_path, output):
    with pytest.raises(ConfigError, match="named twice"):
        JobFiles(str(tmp_path / "in.jsonl"), (Outlet(str(tmp_path / "out.jsonl")), Outlet(f"{tmp_path}/{output}")))


def test_standard_output(files, capfdbinary, tmp_path):
    run(JobFiles(files.source, (Outlet("-"),)))
    out = capfdbinary.readouterr().out.decode()
    assert [json.loads(line)["id"] for line in out.splitlines()] == [row["id"] for row in ROWS]
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl"}


@pytest.mark.parametrize("stream", ["-", "/dev/fd/{}"])
def test_a_stopped_job_writes_nothing_to_an_open_stream(files, tmp_path, capfdbinary, stream):
    async def work(row):
        if row.raw["id"] == "r3":
            raise BudgetError("spent")
        return await number(row)

    counted = []

    def choose(row):
        counted.append(row["id"])
        return row

    with (tmp_path / "all.jsonl").open("a") as file:
        named = JobFiles(files.source, (Outlet(stream.format(file.fileno()), choose),))
        run(named, work, width=1)
        assert counted == ["r0", "r1", "r2"], "what is counted on the way is"
        assert run(named).state.resumed == 3
    said = capfdbinary.readouterr().out if stream == "-" else (tmp_path / "all.jsonl").read_bytes()
    assert [json.loads(line)["id"] for line in said.splitlines()] == [row["id"] for row in ROWS]


def test_errors_of_a_stopped_job_stand_where_those_of_a_finished_one_do(files, tmp_path):
    async def work(row):
        if row.raw["id"] == "r1":
            raise UnavailableError("503")
        if row.raw["id"] == "r3":
            raise BudgetError("spent")
        return await number(row)

    run(files, work, width=1)
    assert [entry["id"] for entry in lines(files.errors)] == ["r1"]
    run(files)
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl", "odd.jsonl"}


@pytest.mark.parametrize("change", [lambda rows: rows[:-1], lambda rows: [*rows, {"id": "r9", "text": "雾"}]])
def test_an_input_that_changes_meanwhile_is_noticed(files, tmp_path, change):
    with FileJob(files) as job:
        write_rows(tmp_path / "in.jsonl", change(ROWS))
        asyncio.run(job.work_off(number, width=1))
        job.write()
    assert "in.jsonl: the input had 6 rows at the start" in str(job.state.stopped_by)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_job_that_finished_no_row_leaves_no_record(files, tmp_path):
    with FileJob(files):
        assert list(tmp_path.glob("*.sqlite"))
    assert not list(tmp_path.glob("*.sqlite*"))


def test_one_output_to_standard_output_and_none_to_a_folder(tmp_path):
    for other in ("-", "/dev/stdout", "/dev/fd/1"):
        with pytest.raises(ConfigError, match="only one"):
            JobFiles("in.jsonl", (Outlet("-"), Outlet(other)))
    with pytest.raises(ConfigError, match="is a folder"):
        JobFiles("in.jsonl", (Outlet(str(tmp_path)),))


def test_a_pipe_is_read_once_and_copied(tmp_path):
    # As a shell gives it: cacre extract <(...)
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        stream.write("".join(map(dump_row, ROWS)).encode())
    try:
        run(JobFiles(f"/dev/fd/{reader}", (Outlet(str(tmp_path / "out.jsonl")),)))
    finally:
        os.close(reader)
    assert [row["id"] for row in lines(tmp_path / "out.jsonl")] == [row["id"] for row in ROWS]


def test_partial_outputs_are_as_many_as_outputs(tmp_path):
    assert JobFiles("in", (Outlet("data.v1"), Outlet("data.v2"))).partial == (
        "data.v1.partial.jsonl",
        "data.v2.partial.jsonl",
    )
    with pytest.raises(ConfigError, match="named twice"):
        JobFiles("in", (Outlet("out"), Outlet("out.jsonl")))
    JobFiles("in", (Outlet("/dev/null"), Outlet("/dev/null")))


def test_a_notice_at_the_first_interrupt(files):
    told = []

    async def work(row):
        if row.raw["id"] == "r1":
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.01)
        return await number(row)

    with FileJob(files) as job:
        asyncio.run(job.work_off(work, width=1, notice=lambda: told.append("stopping")))
        assert len(job.store) == 2
    assert told == ["stopping"]
