"""The systems by name; importing one loads torch, naming one does not."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from cacre.errors import ConfigError
from cacre.extras import needs_extra

if TYPE_CHECKING:
    from cacre.baselines.extractors.network import ExtractorNetwork

EXTRACTORS: Mapping[str, str] = MappingProxyType(
    {
        "electra-joint": "electra_joint:ElectraJoint",
        "casrel-blcf": "casrel_blcf:CasRelBLCF",
        "derp": "derp:Derp",
        "cecrel": "cecrel:CECRel",
    }
)
"""Name -> module and class of its network."""


def network_class(name: str) -> type[ExtractorNetwork]:
    """The network of a system.

    Raises:
        ConfigError: There is no such system.
        MissingExtraError: torch or transformers is not installed.
    """
    if name not in EXTRACTORS:
        raise ConfigError(f"extractor {name!r} is unknown: use one of {', '.join(EXTRACTORS)}")
    module, _, attribute = EXTRACTORS[name].partition(":")
    with needs_extra("train"):
        found: type[ExtractorNetwork] = getattr(
            importlib.import_module(f"cacre.baselines.extractors.{module}"), attribute
        )
    return found
