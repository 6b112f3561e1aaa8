"""`cacre batch-extract` on Ray: one set of limits for all workers, nothing lost, doubled or paid twice."""

import os
import signal

import pytest
from candidate_files import invoke, read_jsonl, write_jsonl
from llm_workers import CountingServer, extracted, job_of, text_rows
from test_batch_pipeline import worker_pids

from cacre.batch import Workers
from cacre.batch.allowance import Spending
from cacre.batch.llm_pipeline import run_llm_batch
from cacre.errors import BudgetError
from cacre.llm import Prices, RateLimits
from cacre.llm.chat import Usage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.usefixtures("ray_up"),
]
UNIT = 400
PLACES = 3


@pytest.fixture
def source(tmp_path):
    """Texts for eleven units or so, in two files."""
    for number in (0, 1):
        write_jsonl(tmp_path / "in" / f"{number}.jsonl", text_rows(20, 20 * number))
    return tmp_path / "in"


def test_a_lost_worker_loses_and_doubles_nothing_and_its_answers_are_not_paid_again(source, tmp_path):
    killed = []

    def kill_one(progress):
        if progress.done == 2:
            killed.extend(worker_pids()[:1])
            os.kill(killed[0], signal.SIGKILL)

    lines = []
    with CountingServer(0.05) as server:
        job = job_of(*(server, source, tmp_path / "out"), unit_bytes=UNIT, limits=RateLimits(PLACES), lease_seconds=2.0)
        counts = run_llm_batch(job, Workers(count=2), kill_one, lines.extend)
        expected, _ = extracted(server, text_rows(40), tmp_path, "--cache", tmp_path / "out/_cache/answers.sqlite")
    assert killed
    assert counts["rows"] == 40
    assert read_jsonl(tmp_path / "out" / "candidates") == expected
    assert server.most <= PLACES
    assert len(set(server.questions)) == 40
    assert server.count - 40 <= PLACES  # what was on its way when the worker was killed
    assert any(line.startswith("requests: ") for line in lines)
    out, again = tmp_path / "out", tmp_path / "again"
    words = ("--base-url", "http://127.0.0.1:9/v1", "--llm", "m", "--unit-size", UNIT, "--workers", 1)
    result = invoke("batch-extract", source, out, *words)
    assert result.exit_code == 1 and "base_url was" in result.stderr
    words = ("--base-url", server.base_url, *words[2:], "--cache", out / "_cache" / "answers.sqlite")
    result = invoke("batch-extract", source, again, *words)  # the server is gone
    assert result.exit_code == 0, result.stderr
    assert "from the cache: 40" in result.stderr
    assert read_jsonl(again / "candidates") == expected


def test_the_budget_is_that_of_all_workers_and_the_job_goes_on_with_another(source, tmp_path):
    prices, lines = Prices(1, 1), []
    with CountingServer(0.05) as server:
        estimate = job_of(server, source, tmp_path / "none").estimate()
        most = 12e-6 * (estimate.prompt_tokens / 40 + 2048)  # a dozen questions with their longest answers
        job = job_of(server, source, tmp_path / "out", unit_bytes=UNIT, spending=Spending(prices, max_cost=most))
        with pytest.raises(BudgetError, match="--max-cost"):
            run_llm_batch(job, Workers(count=2), spent=lines.extend)
        assert 2 <= server.count < 40
        assert prices.cost(Usage(*server.tokens)) <= most
        assert any(line.startswith("cost: ") for line in lines)
        committed = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "_commits").glob("*.json")}
        first = server.count
        words = ("--base-url", server.base_url, "--llm", "m", "--unit-size", UNIT, "--workers", 1)
        result = invoke("batch-extract", source, tmp_path / "out", *words)
        assert result.exit_code == 0, result.stderr
        assert server.count == len(set(server.questions)) == 40 > first
    assert committed.items() <= {p: p.stat().st_mtime_ns for p in committed}.items()
    assert [row["id"] for row in read_jsonl(tmp_path / "out" / "candidates")] == [row["id"] for row in text_rows(40)]
