"""The job of `cacre batch`: candidate rows of many files, judged by many workers, each row exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from hashlib import sha256
from typing import Any

import cacre
from cacre.batch.cluster import Progress, UnitJob, Workers, run_units
from cacre.batch.judging import DATASETS, UnitJudge
from cacre.batch.ledger import Counts, Ledger
from cacre.batch.parts import PartFormat
from cacre.batch.storage import Folder
from cacre.batch.units import list_inputs
from cacre.errors import ModelError
from cacre.inference import DecisionRules, load_verifier
from cacre.inference.folder import find_folder, folder_digest


@dataclass(frozen=True)
class BatchJob:
    """What is judged, how, and where the verdicts go.

    Args:
        inputs: JSONL or Parquet files of candidate rows: files, folders, globs, fsspec URLs.
        output: Folder or fsspec URL.
        model: Name of a bundled model, or a model folder; on a cluster every worker needs it there.
        rules: Checks and thresholds.
        format: How the output is written.
        unit_bytes: Size of a unit of work, in bytes of input.
        chunk_rows: Rows judged at once by a worker.
        strict: Whether a row that cannot be used stops the job.
    """

    inputs: tuple[str, ...]
    output: str
    model: str
    rules: DecisionRules = field(default_factory=DecisionRules)
    format: PartFormat = "jsonl"
    unit_bytes: int = 4 * 1024 * 1024
    chunk_rows: int = 64
    strict: bool = False

    def options(self) -> dict[str, Any]:
        """What the output depends on besides the input.

        Raises:
            ModelError: There is no such model.
        """
        rules = {part.name: getattr(self.rules, part.name) for part in fields(self.rules)}
        if self.rules.schema is not None:
            rules["schema"] = sha256(json.dumps(self.rules.schema.to_json(), sort_keys=True).encode()).hexdigest()
        versions = {"cacre": cacre.__version__, "model": folder_digest(find_folder(self.model))}
        return {**versions, **rules, "format": self.format, "unit_size": self.unit_bytes}


def run_batch(job: BatchJob, workers: Workers, watch: Callable[[Progress], None] = lambda _: None) -> Counts:
    """Judge all rows of the input, each exactly once, and go on with what an earlier run has left.

    Args:
        job: What to do.
        workers: Who does it.
        watch: Told how far it is, at the start and after each unit.

    Returns:
        The counts of all units, as `cacre.batch.judging.summary_of` reads them.

    Raises:
        ConfigError: The output belongs to another job, is being written, or is around the input.
        DataError: The input cannot be used.
        ModelError: The model cannot be used here or by a worker.
        CacreError: The job cannot go on, such as on a full disk; what is committed stays.
        OSError: The output cannot be read or written.
    """
    load_verifier(job.model, threads=1, rules=job.rules)  # before Ray is up, one that cannot be loaded is known
    options, ledger = job.options(), Ledger(Folder(job.output), DATASETS)
    set_up = partial(unit_judge, job, options, ledger)
    files = list_inputs(job.inputs, job.output)
    return run_units(UnitJob(files, job.unit_bytes, options, ledger, set_up), workers, watch)


def unit_judge(job: BatchJob, options: Mapping[str, Any], ledger: Ledger) -> UnitJudge:
    """What a worker needs, set up once in each.

    Args:
        job: What to do.
        options: The job's options as the driver knows them.
        ledger: Where units are committed.

    Raises:
        ModelError: The model cannot be loaded here, or this machine has another one or another version of cacre.
    """
    own = job.options()
    for name in ("cacre", "model"):
        if own[name] != options[name]:
            raise ModelError(
                f"a worker has {name} {own[name]!r:.20}, the driver has {options[name]!r:.20}: install the same on all "
                "machines"
            )
    # Ray counts one CPU for each worker: more threads would be in each other's way.
    verifier = load_verifier(job.model, threads=1, rules=job.rules)
    return UnitJudge(verifier, ledger, job.format, job.chunk_rows, job.strict)
