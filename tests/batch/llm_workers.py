"""Texts to ask about, a server that counts what is on its way, and workers without Ray."""

import hashlib
import json
import time
from dataclasses import replace

from candidate_files import invoke, read_jsonl, write_jsonl

from cacre.batch.allowance import Allowance
from cacre.batch.asking import Extracting, datasets
from cacre.batch.cluster import Workers
from cacre.batch.leases import Leases, SharedClient
from cacre.batch.ledger import Ledger
from cacre.batch.llm_pipeline import LLMBatchJob
from cacre.batch.llm_units import AskingRules, LLMUnitWork
from cacre.batch.storage import Folder
from cacre.batch.units import list_inputs, plan_units
from cacre.extraction.settings import parse_settings
from cacre.llm import RateLimits, RetryPolicy, load_provider
from cacre.schema import load_schema
from llm_server import LLMServer, Reply, answer_for

FAST = RetryPolicy(attempts=2, first_wait=0.01, longest_wait=0.02)


def text_rows(count, start=0):
    """Rows of different texts, with a key of the user's own."""
    return [
        {"id": f"t{number}", "text": f"《雾中渡{number}》由林知远执导，第{number}版于北川上映。", "source": "ours"}
        for number in range(start, start + count)
    ]


class CountingServer(LLMServer):
    """Answers slowly; knows the most requests that were on their way at once, and the tokens of its answers."""

    def __init__(self, delay=0.02, reply=None):
        super().__init__(self._count_in)
        self.most, self.tokens, self._ends, self._delay = 0, [0, 0], [], delay
        self._reply = reply or (lambda body, number: Reply(answer_for(body)))

    def _count_in(self, body, number):
        now = time.monotonic()
        self._ends = [end for end in self._ends if end > now] + [now + self._delay]
        self.most = max(self.most, len(self._ends))
        reply = replace(self._reply(body, number), delay=self._delay)
        used = reply.tokens(body) if reply.status == 200 else (0, 0)
        self.tokens = [had + more for had, more in zip(self.tokens, used, strict=True)]
        return reply

    @property
    def questions(self):
        """A hash of each question that arrived."""
        return [hashlib.sha256(json.dumps(call.body).encode()).hexdigest() for call in self.calls]


class NearLink:
    """The way of a worker to limits in the same process."""

    def __init__(self, allowance, name):
        self.allowance, self.name = allowance, name

    async def tell(self, messages):
        await self.allowance.tell(self.name, messages)

    async def collect(self):
        return await self.allowance.collect(self.name)


def shared_client(server, allowance, name, limits=RateLimits()):  # noqa: B008
    provider = load_provider("custom", server.base_url)
    return SharedClient(provider, api_key=None, limits=limits, retry=FAST, leases=Leases(NearLink(allowance, name)))


def asking(**settings):
    return Extracting(load_schema("duie"), parse_settings(llm="m", **settings))


def job_of(server, source, output, what=None, **more):
    return LLMBatchJob(
        (str(source),), str(output), what or asking(), load_provider("custom", server.base_url), retry=FAST, **more
    )


def run_here(job, limit=None, workers=None):
    """Do units of a job in this process, without Ray, and merge their answers; gives the lines on what was spent."""
    ledger, files = Ledger(Folder(job.output), datasets(job.asking)), list_inputs(job.inputs, job.output)
    answers = job.answers(workers or Workers())
    allowance = Allowance(job.limits, job.spending)
    with ledger.opened(files, job.options()):
        leases = Leases(NearLink(allowance, "one"))
        client = SharedClient(job.provider, api_key=None, limits=job.limits, retry=job.retry, leases=leases)
        rules = AskingRules(job.format, 4, job.strict, job.offline)
        work = LLMUnitWork(job.asking, ledger, answers, client, leases, rules)
        try:
            done = ledger.all_committed()
            pending = [unit for unit in plan_units(files, job.unit_bytes) if unit.index not in done]
            for unit in pending[:limit]:
                work.do(unit)
        finally:
            work.close()
            answers.merge()
        if limit is None:
            ledger.finish()
    return allowance.meter


def extracted(server, rows, folder, *words):
    """What `cacre extract` makes of rows: candidate rows and the entries of its errors file."""
    source = write_jsonl(folder / "extract-in.jsonl", rows)
    output = folder / "extract-out.jsonl"
    result = invoke("extract", source, "-o", output, "--base-url", server.base_url, "--llm", "m", *words)
    assert result.exit_code == 0, result.stderr
    errors = output.with_suffix(".errors.jsonl")
    return read_jsonl(output), read_jsonl(errors) if errors.exists() else []
