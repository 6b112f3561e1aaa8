"""Past one machine: the rows of many files judged by many workers, each row exactly once.

`columns` is the pure function that judges, `units` cuts the input, `reading` reads one unit, `parts` and `ledger` write
what came of it so that nothing is lost and nothing written twice, `judging` joins these, `cluster` hands units to Ray
Data, and `pipeline` is the whole job. For texts and an LLM, `asking` says what is asked, `llm_units` asks about one
unit, `shards` and `layered` keep what was paid for, `allowance` and `leases` hold all workers to one set of limits, and
`llm_pipeline` is the whole job. Only `cluster` and the pipelines know Ray; only `columns`, `judging` and `pipeline` the
verifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cacre.extras import names_on_demand

if TYPE_CHECKING:
    from cacre.batch.cluster import Progress, UnitJob, UnitWork, Workers, run_units
    from cacre.batch.columns import judge_columns
    from cacre.batch.ledger import Ledger
    from cacre.batch.pipeline import BatchJob, run_batch
    from cacre.batch.reading import Record, read_unit
    from cacre.batch.storage import Folder
    from cacre.batch.units import InputFile, Unit, list_inputs, plan_units

_HOMES = {
    "BatchJob": "cacre.batch.pipeline",
    "Folder": "cacre.batch.storage",
    "InputFile": "cacre.batch.units",
    "Ledger": "cacre.batch.ledger",
    "Progress": "cacre.batch.cluster",
    "Record": "cacre.batch.reading",
    "Unit": "cacre.batch.units",
    "UnitJob": "cacre.batch.cluster",
    "UnitWork": "cacre.batch.cluster",
    "Workers": "cacre.batch.cluster",
    "judge_columns": "cacre.batch.columns",
    "list_inputs": "cacre.batch.units",
    "plan_units": "cacre.batch.units",
    "read_unit": "cacre.batch.reading",
    "run_batch": "cacre.batch.pipeline",
    "run_units": "cacre.batch.cluster",
}

__all__ = [
    "BatchJob",
    "Folder",
    "InputFile",
    "Ledger",
    "Progress",
    "Record",
    "Unit",
    "UnitJob",
    "UnitWork",
    "Workers",
    "judge_columns",
    "list_inputs",
    "plan_units",
    "read_unit",
    "run_batch",
    "run_units",
]

__getattr__ = names_on_demand("cacre.batch", _HOMES, "batch")
