"""Texts of units put to an LLM: the rows of `cacre extract`, and nothing paid twice, whatever stops a unit; no Ray."""

import sqlite3

import pytest
from candidate_files import read_jsonl, write_jsonl
from llm_workers import CountingServer, asking, extracted, job_of, run_here, text_rows

from cacre.batch import plan_units, read_unit
from cacre.batch.allowance import Spending
from cacre.batch.asking import Generating
from cacre.batch.cluster import Workers
from cacre.batch.llm_pipeline import run_llm_batch
from cacre.batch.storage import Folder
from cacre.batch.units import list_inputs
from cacre.errors import BudgetError, ConfigError, DataError, UnavailableError
from cacre.extraction.settings import parse_settings
from cacre.llm import CachedLLM, ScriptedLLM
from cacre.schema import load_schema
from llm_server import Reply, answer_for, error

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own, when it is imported
UNIT = 400
"""Bytes: three or four texts."""


@pytest.fixture
def source(tmp_path):
    return write_jsonl(tmp_path / "in.jsonl", text_rows(12))


@pytest.fixture
def server():
    with CountingServer(0) as server:
        yield server


def answers_in(path):
    file = sqlite3.connect(path)
    (count,) = file.execute("SELECT count(*) FROM answers").fetchone()
    file.close()
    return count


def test_rows_and_faults_are_those_of_extract_and_bad_rows_are_listed_with_their_place(tmp_path):
    def odd(body, number):
        text = body["messages"][-1]["content"]
        if "渡3》" in text:
            return Reply("对不起，我无法处理这个请求。")
        return error(422, "no") if "渡5》" in text else Reply(answer_for(body))

    rows = text_rows(12)
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    bad = '{"text": 5}\n'
    source.write_text(bad + source.read_text(encoding="utf-8"), encoding="utf-8")
    with CountingServer(0, odd) as server:
        expected, faults = extracted(server, rows, tmp_path)
        run_here(job_of(server, source, tmp_path / "out", unit_bytes=UNIT))
    assert read_jsonl(tmp_path / "out" / "candidates") == expected
    assert len(list((tmp_path / "out" / "candidates").iterdir())) > 2
    first, *errors = read_jsonl(tmp_path / "out" / "errors")
    assert (first["byte"], first["field"], first["raw"]) == (0, "text", bad.strip())
    assert [(e["id"], e["reason"], e["raw"]) for e in errors] == [(f["id"], f["reason"], f["raw"]) for f in faults]
    lines = source.read_bytes()
    assert all(f'"{e["id"]}"'.encode() in lines[e["byte"] :].split(b"\n")[0] for e in errors)


def test_contrastive_rows_and_parquet(server, source, tmp_path):
    pairs = Generating(load_schema("duie"), parse_settings(llm="m"))
    job = job_of(server, source, tmp_path / "pairs", pairs, unit_bytes=UNIT)
    run_here(job)
    assert [row["id"] for row in read_jsonl(tmp_path / "pairs" / "contrastive")] == [row["id"] for row in text_rows(12)]
    counts = run_llm_batch(job, Workers())  # done already: nothing is started
    assert pairs.lines(counts)[0].startswith("12 rows, 12 anchors")
    for format in ("jsonl", "parquet"):
        run_here(job_of(server, source, tmp_path / format, format=format))
    units = plan_units(list_inputs([str(tmp_path / "parquet" / "candidates")]), 10**7)
    rows = [record.raw for unit in units for record in read_unit(unit)]
    assert rows == read_jsonl(tmp_path / "jsonl" / "candidates")


class Killed(BaseException):
    """Stands for a worker that ends where this is raised."""


def test_a_unit_that_was_cut_off_is_done_again_without_paying_again(server, source, tmp_path, monkeypatch):
    job = job_of(server, source, tmp_path / "out", unit_bytes=UNIT)
    monkeypatch.setattr("cacre.batch.llm_units.UnitParts.add", lambda *_: (_ for _ in ()).throw(Killed()))
    monkeypatch.setattr("cacre.batch.shards.PaidAnswers.merge", lambda _: None)
    with pytest.raises(Killed):
        run_here(job)
    monkeypatch.undo()
    asked = server.count
    assert asked and not list((tmp_path / "out").glob("_commits/*"))
    run_here(job)
    assert server.count == len(set(server.questions)) == 12
    assert [row["id"] for row in read_jsonl(tmp_path / "out" / "candidates")] == [row["id"] for row in text_rows(12)]


def test_the_merged_cache_answers_everything_and_merging_twice_changes_nothing(server, source, tmp_path, monkeypatch):
    def stop(*_):
        raise Killed

    first = job_of(server, source, tmp_path / "out", unit_bytes=UNIT)
    monkeypatch.setattr(Folder, "remove", stop)  # after the answers of the units were put together
    with pytest.raises(Killed):
        run_here(first)
    monkeypatch.undo()
    run_here(first)
    cache = tmp_path / "out" / "_cache" / "answers.sqlite"
    assert answers_in(cache) == 12
    assert [path.name for path in cache.parent.iterdir()] == ["answers.sqlite"]
    assert len(CachedLLM(ScriptedLLM(), cache, offline=True)) == 12
    again = job_of(server, source, tmp_path / "again", unit_bytes=UNIT, cache=cache, offline=True)
    assert run_here(again).totals().cached == 12
    expected, _ = extracted(server, text_rows(12), tmp_path, "--cache", cache, "--offline")
    assert read_jsonl(tmp_path / "again" / "candidates") == read_jsonl(tmp_path / "out" / "candidates") == expected
    assert server.count == 12
    assert job_of(server, source, tmp_path / "third", cache=cache).estimate().to_pay == 0


@pytest.mark.parametrize("place", ["memory://llm-out", "shared disk"])
def test_where_machines_share_a_place_sqlite_works_on_copies(place, server, source, tmp_path):
    output = place if "://" in place else str(tmp_path / "out")
    far = Workers(address="somewhere")
    run_here(job_of(server, source, output, unit_bytes=UNIT), limit=1, workers=far)
    assert Folder(output).names("_cache") == ["answers.sqlite"]
    totals = run_here(job_of(server, source, output, unit_bytes=UNIT), workers=far).totals()
    assert server.count == 12 > totals.answers
    Folder(output).fetch("_cache/answers.sqlite", tmp_path / "answers.sqlite")
    assert answers_in(tmp_path / "answers.sqlite") == 12
    again = job_of(server, source, tmp_path / "again", cache=tmp_path / "answers.sqlite", offline=True)
    assert run_here(again, workers=far).totals().cached == 12


def test_an_empty_budget_stops_and_what_was_paid_is_kept(server, source, tmp_path):
    job = job_of(server, source, tmp_path / "out", unit_bytes=UNIT, spending=Spending(max_requests=7))
    with pytest.raises(BudgetError, match="--max-requests"):
        run_here(job)
    assert server.count == 7
    committed = len(read_jsonl(tmp_path / "out" / "candidates"))
    assert 0 < committed < 7
    run_here(job)
    assert server.count == len(set(server.questions)) == 12
    assert len(read_jsonl(tmp_path / "out" / "candidates")) == 12


def test_a_server_that_answers_nobody_gives_no_text_up(source, tmp_path):
    with CountingServer(0, lambda body, number: error(500)) as server:
        with pytest.raises(UnavailableError, match=r"no text of a unit got an answer; the last: .*500"):
            run_here(job_of(server, source, tmp_path / "out", unit_bytes=UNIT))
        with pytest.raises(UnavailableError, match="20 texts in a row got no answer"):
            big = write_jsonl(tmp_path / "big.jsonl", text_rows(30))
            run_here(job_of(server, big, tmp_path / "out2"))
    assert not list(tmp_path.glob("out*/_commits/*")) + list(tmp_path.glob("out*/candidates/*"))


def test_what_would_change_the_rows_is_refused_and_prices_are_not(server, source, tmp_path):
    run_here(job_of(server, source, tmp_path / "out"))
    run_here(job_of(server, source, tmp_path / "out", spending=Spending(max_requests=1)))
    with pytest.raises(ConfigError, match=r"samples was 1, is now 2"):
        run_here(job_of(server, source, tmp_path / "out", asking(samples=2)))
    with pytest.raises(ConfigError, match=r"answers\.sqlite: no such cache, and --offline"):
        run_llm_batch(job_of(server, source, tmp_path / "none", offline=True), Workers())
    source.write_text("{}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"in\.jsonl, byte 0: text"):
        run_here(job_of(server, source, tmp_path / "strict", strict=True))
