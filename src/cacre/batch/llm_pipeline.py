"""The jobs of `cacre batch-extract` and `cacre batch-generate`: texts of many files, asked about by many workers.

All workers keep together to one set of limits, which an actor of the driver's holds.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

import cacre
from cacre.batch.allowance import LEASE_SECONDS, Allowance, Answer, Message, Spending
from cacre.batch.asking import Asking, datasets, options_of
from cacre.batch.cluster import Progress, UnitJob, Workers, run_units
from cacre.batch.leases import Leases, SharedClient
from cacre.batch.ledger import Counts, Ledger
from cacre.batch.llm_units import AskingRules, LLMUnitWork, text_row
from cacre.batch.parts import PartFormat
from cacre.batch.reading import read_unit
from cacre.batch.shards import PaidAnswers
from cacre.batch.storage import Folder
from cacre.batch.units import InputFile, list_inputs, plan_units
from cacre.data import Row
from cacre.errors import CacreError, ConfigError, DataError
from cacre.extraction.pricing import JobEstimate
from cacre.llm import CachedLLM, OpenAIClient, RateLimits, RetryPolicy, api_key
from cacre.llm.providers import Provider

_CALLS_AT_ONCE = 10_000
"""More calls than workers wait at the actor at once."""


@dataclass(frozen=True)
class LLMBatchJob:
    """What is asked about which texts, of whom, how fast and for how much, and where the rows go.

    Args:
        inputs: JSONL or Parquet files of text rows: files, folders, globs, fsspec URLs.
        output: Folder or fsspec URL.
        asking: What is asked.
        provider: The server.
        limits: How fast requests may leave, all workers together.
        spending: How much they may send and cost, all workers together.
        retry: How often and how patiently a request is tried.
        format: How the output is written; contrastive rows as JSONL only.
        unit_bytes: Size of a unit of work, in bytes of input.
        strict: Whether a row that cannot be used stops the job.
        cache: Paid answers: read first, and in the end those of this job are added; None takes one in the output.
        offline: Never ask: answers come from caches alone.
        lease_seconds: So long after its last sign of life a worker's requests count as lost.
    """

    inputs: tuple[str, ...]
    output: str
    asking: Asking
    provider: Provider
    limits: RateLimits = field(default_factory=RateLimits)
    spending: Spending = field(default_factory=Spending)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    format: PartFormat = "jsonl"
    unit_bytes: int = 256 * 1024
    strict: bool = False
    cache: Path | None = None
    offline: bool = False
    lease_seconds: float = LEASE_SECONDS

    def options(self) -> dict[str, Any]:
        """What the output depends on besides the input.

        Raises:
            ConfigError: The settings do not go together.
        """
        asked = options_of(self.asking, self.asking.source(self._silent_client()))
        own = {"base_url": self.provider.base_url, "format": self.format, "unit_size": self.unit_bytes}
        offline = {"offline": True} if self.offline else {}  # its rows lack what was not in the cache
        return {"cacre": cacre.__version__, "rows": self.asking.dataset, **own, **asked, **offline}

    def answers(self, workers: Workers) -> PaidAnswers:
        """Where paid answers are, as workers see them."""
        cache = None if self.cache is None else self.cache.absolute()
        return PaidAnswers(Folder(self.output), cache, copied=workers.address is not None)

    def estimate(self) -> JobEstimate:
        """Count what the job would ask; nothing is sent and nothing is left behind.

        Raises:
            ConfigError: The settings do not go together, or the cache is none.
            DataError: The input cannot be used or, with `strict`, one of its rows.
            OSError: The input or the cache cannot be read.
        """
        return asyncio.run(self._estimate())

    async def _estimate(self) -> JobEstimate:
        files = list_inputs(self.inputs, self.output)
        with PaidAnswers(Folder(self.output), self.cache).merged() as merged:
            client = self._silent_client()
            cache = None if merged is None else CachedLLM(client, merged, offline=True)
            try:
                return await self.asking.source(client).aestimate(self._rows(files), cache)
            finally:
                await (cache or client).aclose()

    def _rows(self, files: Sequence[InputFile]) -> Iterator[Row]:
        for unit in plan_units(files, self.unit_bytes):
            for record in read_unit(unit):
                try:
                    yield text_row(record)
                except DataError as error:
                    if self.strict:
                        raise DataError(error.reason, path=record.place, field=error.field) from error

    def _silent_client(self) -> OpenAIClient:
        return OpenAIClient(self.provider, api_key=None)


def run_llm_batch(
    job: LLMBatchJob,
    workers: Workers,
    watch: Callable[[Progress], None] = lambda _: None,
    spent: Callable[[Sequence[str]], None] = lambda _: None,
) -> Counts:
    """Ask about all texts of the input, each exactly once, and go on with what an earlier run has left.

    Args:
        job: What to do.
        workers: Who does it.
        watch: Told how far it is, at the start and after each unit.
        spent: Told in the end, also of a job that stops, what was sent and spent, in lines for a person.

    Returns:
        The counts of all units, as `job.asking.lines` reads them.

    Raises:
        ConfigError: Options do not go together, the output belongs to another job, is being written, or is around the
            input, or `offline` finds no cache.
        DataError: The input cannot be used.
        BudgetError: A limit on requests or cost is reached; what is committed stays.
        LLMError: No request can pass, or no text gets an answer.
        CacreError: The job cannot go on, such as on a full disk; what is committed stays.
        OSError: The output cannot be read or written.
    """
    job.spending.meter()
    options, files, answers = job.options(), list_inputs(job.inputs, job.output), job.answers(workers)
    if job.offline and not answers.any():
        raise ConfigError(f"{answers.merged_name}: no such cache, and --offline answers from caches alone: go online")
    if workers.address is None and not job.offline:
        api_key(job.provider)  # before Ray is up, a missing one is known
    ledger = Ledger(Folder(job.output), datasets(job.asking))
    units = UnitJob(
        *(files, job.unit_bytes, options, ledger),
        set_up=LLMSetUp(job, ledger, answers, workers.count, answers.has_merged()),
        shared=partial(shared_allowance, job, spent),
        clear_up=answers.merge,
    )
    return run_units(units, workers, watch)


@contextmanager
def shared_allowance(job: LLMBatchJob, spent: Callable[[Sequence[str]], None]) -> Iterator[Sequence[Any]]:
    """The actor that holds the limits of a job, for the time of the block; Ray must be up.

    Args:
        job: The job.
        spent: Told in the end where the limits stand.
    """
    actor = ray.remote(num_cpus=0, max_concurrency=_CALLS_AT_ONCE)(Allowance).remote(
        job.limits, job.spending, job.lease_seconds
    )
    try:
        yield (actor,)
    finally:
        # Requests on their way end and their answers are kept; who started them writes them down.
        try:
            spent(ray.get(actor.close.remote(job.retry.timeout)))
        except RayError as error:
            raise _unreachable(error) from error
        finally:
            ray.kill(actor)


@dataclass(frozen=True)
class LLMSetUp:
    """Makes what does the units of a job, once in each worker.

    Args:
        job: What to do.
        ledger: Where units are committed.
        answers: Where paid answers are.
        count: Workers, as far as known.
        has_merged: Whether the driver sees a cache of all answers.
        version: Version of cacre that the driver has.
    """

    job: LLMBatchJob
    ledger: Ledger
    answers: PaidAnswers
    count: int | None
    has_merged: bool
    version: str = cacre.__version__

    def __call__(self, actor: Any) -> LLMUnitWork:  # noqa: ANN401  (a Ray handle)
        """What a worker needs.

        Args:
            actor: The one that holds the limits.

        Raises:
            ConfigError: The cache cannot be seen from here, or this machine has another version of cacre.
            AccessError: There is no API key in the environment of this worker.
            CacreError: The cache cannot be used.
        """
        job = self.job
        if self.version != cacre.__version__:
            raise ConfigError(
                f"a worker has cacre {cacre.__version__}, the driver has {self.version}: install the same everywhere"
            )
        if self.has_merged and not self.answers.has_merged():
            raise ConfigError(
                f"a worker cannot see the cache {self.answers.merged_name}: name one on a disk that all machines share"
            )
        leases = Leases(_RayLink(actor))
        key = None if job.offline else api_key(job.provider)
        client = SharedClient(job.provider, api_key=key, limits=job.limits, retry=job.retry, leases=leases)
        # More texts than its share of the requests, so that requests wait for a place and no place for a request.
        width = max(8, 4 * math.ceil(job.limits.concurrency / (self.count or 1)))
        rules = AskingRules(job.format, width, job.strict, job.offline)
        return LLMUnitWork(job.asking, self.ledger, self.answers, client, leases, rules)


class _RayLink:
    """The way of a worker to the actor."""

    def __init__(self, actor: Any) -> None:  # noqa: ANN401  (a Ray handle)
        self._actor, self._name = actor, uuid.uuid4().hex

    async def tell(self, messages: Sequence[Message]) -> None:
        try:
            await self._actor.tell.remote(self._name, messages)
        except RayError as error:
            raise _unreachable(error) from error

    async def collect(self) -> list[Answer] | None:
        try:
            answers: list[Answer] | None = await self._actor.collect.remote(self._name)
        except RayError as error:
            raise _unreachable(error) from error
        return answers


def _unreachable(error: RayError) -> CacreError:
    return CacreError(
        f"the process that holds the limits of the job is lost ({type(error).__name__}), so that nothing more is sent: "
        "run the same command again to go on"
    )
