"""Jobs that are killed, interrupted, started twice, or lose their reader: processes of their own."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from llm_calls import ALL, ROWS, extract, ids, names, rows_of

from cacre.data import write_rows
from llm_server import LLMServer, Reply, answer_for


def command_line(server, *words):
    arguments = ["extract", "in.jsonl", "--base-url", server.base_url, "--llm", "m", *words]
    return [sys.executable, "-c", "from cacre.cli import app; app()", *arguments]


def start(server, *words, **more):
    return subprocess.Popen(command_line(server, *words), stderr=subprocess.PIPE, text=True, **more)


class Stalling:
    """Good answers until the third call, which waits until it is let go."""

    def __init__(self):
        self.reached = threading.Event()
        self.stall = True

    def __call__(self, body, number):
        if number >= 3 and self.stall:
            self.reached.set()
            return Reply(answer_for(body), delay=0.4)
        return Reply(answer_for(body))


@pytest.mark.slow
def test_a_killed_job_loses_nothing_and_repeats_no_paid_call(folder):
    stalling = Stalling()
    with LLMServer(stalling) as server:
        child = start(server, "-o", "out.jsonl", "--concurrency", "1")
        assert stalling.reached.wait(30)
        child.kill()
        child.communicate()
        assert not Path("out.jsonl").exists()
        stalling.stall = False
        result = extract(server)
        assert server.count == len(ROWS) + 1, "the call that was cut short is the only one repeated"
    assert result.exit_code == 0
    assert "3 of them in earlier runs" in result.stderr
    assert ids(rows_of("out.jsonl")) == ALL
    assert names(folder) == ["in.jsonl", "out.cache.sqlite", "out.jsonl"]


@pytest.mark.slow
def test_an_interrupt_ends_the_texts_in_work_and_a_second_one_does_not(folder):
    write_rows("in.jsonl", [{"id": f"r{n}", "text": f"《远山》由许棠作词，第{n}版。"} for n in range(60)])
    stalling = Stalling()
    with LLMServer(stalling) as server:
        child = start(server, "-o", "out.jsonl", "--concurrency", "1")
        assert stalling.reached.wait(30)
        second = start(server, "-o", "out.jsonl")
        _, said = second.communicate()
        assert (second.returncode, said.count("\n")) == (1, 1)
        assert "another job is at work" in said
        child.send_signal(signal.SIGINT)
        _, said = child.communicate()
        assert child.returncode == 1
        assert "interrupt again" in said
        assert "error: stopped: interrupted; so far: out.partial.jsonl" in said
        assert ids(rows_of("out.partial.jsonl"))[:4] == ["r0", "r1", "r2", "r3"]
        stalling.reached.clear()
        child = start(server, "-o", "two.jsonl", "--concurrency", "1")
        assert stalling.reached.wait(30)
        for line in ("stopping", "error: stopped at once"):
            child.send_signal(signal.SIGINT)
            assert child.stderr.readline().startswith(line)
        assert (child.communicate()[1], child.returncode) == ("", 1)


@pytest.mark.slow
def test_a_reader_that_goes_away(folder, server):
    write_rows("in.jsonl", [{"id": f"r{n}", "text": "《远山》由许棠作词。" * 300} for n in range(60)])
    child = start(server, "--concurrency", "32", stdout=subprocess.PIPE)
    child.stdout.readline()
    child.stdout.close()
    _, said = child.communicate()
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert child.returncode == 1
