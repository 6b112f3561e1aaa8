"""A discrete-event model of a large job: units of work from storage, an LLM, a pool of workers that judge, a driver.

Storage hands a unit out and takes its verdicts. An LLM, if there is one, is asked about each document within its
limits. A worker judges after its start, one unit at a time, and without an LLM it also reads. The driver does something
for each unit, one after the other. Units are of equal size, only the LLM's latency varies, nothing fails, and machines
do not slow each other down. `pipeline_model.py` feeds it with what was measured. Needs simpy.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from math import ceil, exp
from typing import Any

import simpy

_MIDDLE = (0.25, 0.75)
_AHEAD = 2
Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True)
class Storage:
    """An object store, or a disk.

    Args:
        connections: Transfers at once.
        request_seconds: Until the first byte of a transfer.
        bytes_per_second: Of one transfer.
        requests_per_unit: Small files of a unit, besides its rows.
    """

    connections: int = 1
    request_seconds: float = 0.0
    bytes_per_second: float = 1e9
    requests_per_unit: int = 0


@dataclass(frozen=True, slots=True)
class LLM:
    """An LLM behind limits; one request for each document.

    Args:
        requests_per_minute: So many may begin, evenly.
        concurrency: Requests in flight.
        latency_seconds: Median time of an answer.
        latency_sigma: Spread of its logarithm (log-normal); 0: always the median.
    """

    requests_per_minute: float
    concurrency: int
    latency_seconds: float
    latency_sigma: float = 0.0


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers that judge.

    Args:
        workers: How many.
        candidates_per_second: Of one worker.
        start_seconds: From the start of the job until a worker is ready.
        driver_seconds: What the driver needs for a unit, while all others wait for it.
        unit_seconds: What a worker needs for a unit besides rows and transfers.
    """

    workers: int
    candidates_per_second: float
    start_seconds: float = 0.0
    driver_seconds: float = 0.0
    unit_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """What there is to do.

    Args:
        documents: How many.
        documents_per_unit: In a unit of work.
        candidates_per_document: On average.
        bytes_in: Of a document, read.
        bytes_out: Of a document, written.
    """

    documents: int
    documents_per_unit: int
    candidates_per_document: float
    bytes_in: float = 0.0
    bytes_out: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """What the model gave.

    Args:
        seconds: Until the last verdict is written.
        steady: Candidates a second in the middle of the job, when all are at work.
        busy: By stage, the share of its capacity that was used then.
    """

    seconds: float
    steady: float
    busy: Mapping[str, float]

    @property
    def bottleneck(self) -> str:
        """The stage of which most is used."""
        return max(self.busy, key=lambda name: self.busy[name])


@dataclass(slots=True)
class Stage:
    """A resource, and how many seconds of it were used."""

    resource: simpy.Resource
    used: float = 0.0

    def hold(self, env: simpy.Environment, seconds: float) -> Steps:
        """Wait for a place and use it so long."""
        with self.resource.request() as place:
            yield place
            yield env.timeout(seconds)
            self.used += seconds


@dataclass(slots=True)
class Pipeline:
    """The model; run it once.

    Args:
        job: What there is to do.
        pool: Who judges.
        storage: Where documents come from and verdicts go.
        llm: Asked about each document, if there is one.
        seed: Of the latencies.
    """

    job: Job
    pool: Pool
    storage: Storage = field(default_factory=Storage)
    llm: LLM | None = None
    seed: int = 0
    _env: simpy.Environment = field(default_factory=simpy.Environment)
    _stages: dict[str, Stage] = field(default_factory=dict)
    _done: list[tuple[float, int, dict[str, float]]] = field(default_factory=list)

    def run(self) -> Result:
        """Run it to the end."""
        capacities = {"driver": 1, "storage": self.storage.connections, "workers": self.pool.workers}
        if self.llm is not None:
            capacities |= {"LLM rate": 1, "LLM in flight": self.llm.concurrency}
        self._stages = {name: Stage(simpy.Resource(self._env, size)) for name, size in capacities.items()}
        rng, room = random.Random(self.seed), simpy.Resource(self._env, self._under_way())
        size = self.job.documents_per_unit
        for first in range(0, self.job.documents, size):
            self._env.process(self._unit(room, min(size, self.job.documents - first), rng))
        self._env.run()
        return self._result()

    def _under_way(self) -> int:
        """Units begun and not ended, so many that no stage lacks work."""
        if self.llm is None:
            return self.pool.workers
        return _AHEAD * (self.pool.workers + ceil(self.llm.concurrency / self.job.documents_per_unit))

    def _unit(self, room: simpy.Resource, documents: int, rng: random.Random) -> Steps:
        job, env, workers = self.job, self._env, self._stages["workers"]
        read, write = job.bytes_in * documents, job.bytes_out * documents
        with room.request() as place:
            yield place
            yield from self._stages["driver"].hold(env, self.pool.driver_seconds)
            if self.llm is not None:
                yield from self._transfer(read, 1)
                yield env.all_of([env.process(self._ask(self.llm, rng)) for _ in range(documents)])
            with workers.resource.request() as worker:
                yield worker
                yield env.timeout(max(0.0, self.pool.start_seconds - env.now))
                moving = 0.0
                if self.llm is None:
                    moving += yield from self._transfer(read, 1)
                judging = documents * job.candidates_per_document / self.pool.candidates_per_second
                yield env.timeout(self.pool.unit_seconds + judging)
                moving += yield from self._transfer(write, self.storage.requests_per_unit)
                workers.used += self.pool.unit_seconds + judging + moving  # at once: other units add to it meanwhile
        self._done.append((env.now, documents, {name: stage.used for name, stage in self._stages.items()}))

    def _transfer(self, size: float, requests: int) -> Generator[simpy.Event, Any, float]:
        """Move bytes; gives how long it took without waiting for a connection, for a worker is not at work then."""
        seconds = requests * self.storage.request_seconds + size / self.storage.bytes_per_second
        yield from self._stages["storage"].hold(self._env, seconds)
        return seconds

    def _ask(self, llm: LLM, rng: random.Random) -> Steps:
        places = self._stages["LLM in flight"]
        with places.resource.request() as place:
            yield place
            yield from self._stages["LLM rate"].hold(self._env, 60 / llm.requests_per_minute)
            latency = llm.latency_seconds * exp(rng.gauss(0.0, llm.latency_sigma))
            yield self._env.timeout(latency)
            places.used += latency

    def _result(self) -> Result:
        begin, end = (int(share * len(self._done)) for share in _MIDDLE)
        nothing = (0.0, 0, dict.fromkeys(self._stages, 0.0))
        started, _, used = self._done[begin - 1] if begin else nothing
        ended, _, used_then = self._done[end - 1] if begin else self._done[-1]
        documents = sum(count for _, count, _ in self._done[begin : end if begin else None])
        span = ended - started
        busy = {
            name: (used_then[name] - used[name]) / span / stage.resource.capacity
            for name, stage in self._stages.items()
        }
        return Result(self._done[-1][0], documents * self.job.candidates_per_document / span, busy)


def sliced(pipeline: Pipeline, documents: int, seed: int = 0) -> Pipeline:
    """The same model with smaller units that have their share of what a unit costs, so that short runs are steady."""
    share = documents / pipeline.job.documents_per_unit
    pool, storage = pipeline.pool, pipeline.storage
    return Pipeline(
        replace(pipeline.job, documents_per_unit=documents),
        replace(pool, driver_seconds=pool.driver_seconds * share, unit_seconds=pool.unit_seconds * share),
        replace(storage, request_seconds=storage.request_seconds * share),
        pipeline.llm,
        seed,
    )
