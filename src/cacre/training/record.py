"""What a training run is made of, as hashes: a folder goes on only with the run that it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from cacre.config import Settings
from cacre.data.domains import Domain
from cacre.data.extracted import Extracted
from cacre.modeling.model import Cacre
from cacre.schema import Schema
from cacre.types import Example


def run_record(settings: Settings, data: Mapping[str, Any]) -> dict[str, Any]:
    """What determines a run, as `claim_folder` takes it.

    Args:
        settings: All settings.
        data: The `data_record` of what it learns from.
    """
    # How much memory a step needs and how many processes prepare it, not what is learnt.
    means = {"gradient_checkpointing", "grad_cache_chunk", "loader_workers"}
    return {"settings": settings.model_dump(mode="json", exclude={"training": means}), **data}


def data_record(
    schema: Schema,
    examples: Sequence[Example],
    dev: Sequence[Example] | None = None,
    extracted: Extracted | None = None,
    domains: Sequence[Domain] = (),
) -> dict[str, Any]:
    """What `train` is given besides settings, as hashes.

    Args:
        schema: Relation schema.
        examples: The data, dev not yet split off.
        dev: Data for dev; None where it is split off.
        extracted: An extractor's candidates.
        domains: Texts under schemas of their own.
    """
    return {
        "schema": _hash(schema.to_json()),
        "data": _hash([astuple(example) for example in examples]),
        "dev": "split off" if dev is None else _hash([astuple(example) for example in dev]),
        **({"extracted": _hash({text: list(found) for text, found in extracted.items()})} if extracted else {}),
        **({"domains": domains_digest(domains)} if domains else {}),
    }


def domains_digest(domains: Sequence[Domain]) -> str:
    """A hash of texts and schemas."""
    return _hash([[d.name, d.schema.to_json(), [astuple(example) for example in d.examples]] for d in domains])


def weights_digest(model: Cacre) -> str:
    """A hash of all weights, to tell one start from another."""
    whole = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        whole.update(name.encode() + value.cpu().numpy().tobytes())
    return whole.hexdigest()[:16]


def _hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()[:16]
