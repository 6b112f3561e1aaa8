"""Baselines by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cacre.baselines.agreement import Agreement
from cacre.baselines.bi_encoder import BiEncoderBaseline
from cacre.baselines.cross_encoder import CrossEncoderBaseline
from cacre.baselines.evidence_trees import EvidenceTrees
from cacre.baselines.llm_judge import LLMJudge
from cacre.baselines.nli import NLIBaseline
from cacre.baselines.protocol import Baseline
from cacre.baselines.relation_prior import RelationPrior
from cacre.baselines.rule_filter import RuleFilter
from cacre.baselines.surface_trees import SurfaceTrees
from cacre.errors import ConfigError

BASELINES: Mapping[str, Callable[..., Baseline]] = MappingProxyType(
    {
        "rule_filter": RuleFilter,
        "relation_prior": RelationPrior,
        "surface_trees": SurfaceTrees,
        "evidence_trees": EvidenceTrees,
        "agreement": Agreement,
        "cross_encoder": CrossEncoderBaseline,
        "bi_encoder": BiEncoderBaseline,
        "llm_judge": LLMJudge,
        "nli": NLIBaseline,
    }
)
"""Name -> constructor, the cheapest first."""


def make_baseline(name: str, **options: Any) -> Baseline:  # noqa: ANN401  (each baseline has its own)
    """Make a baseline.

    Args:
        name: One of `BASELINES`.
        options: What its constructor takes.

    Raises:
        ConfigError: There is no such baseline, or it has no such option or needs one more.
        CacreError: The constructor refuses a value.
    """
    if name not in BASELINES:
        raise ConfigError(f"baseline {name!r} is unknown: use one of {', '.join(BASELINES)}")
    make = BASELINES[name]
    signature = inspect.signature(make)
    try:
        signature.bind(**options)
    except TypeError as error:
        taken = ", ".join(signature.parameters) or "no options"
        raise ConfigError(f"baseline {name!r}: {error}; it takes {taken}") from error
    return make(**options)
