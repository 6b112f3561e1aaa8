"""Heads beside the reader's own: a trained network can be given one more, another weight of one, or one less."""

from __future__ import annotations

from dataclasses import replace

import torch

from cacre.config import ModelSettings
from cacre.errors import ConfigError
from cacre.modeling.folder import LoadedModel
from cacre.modeling.model import Cacre
from cacre.preprocessing.featurizer import Featurizer

HEADS = ("evidence_head", "pattern_head")
"""Settings of `[model]` that are a head's weight; 0 is no head."""
_PREFIXES = {name: f"reader.{name}." for name in HEADS}


def with_heads(loaded: LoadedModel, settings: ModelSettings) -> LoadedModel:
    """The same network with the heads of other settings.

    A head that the network lacks is new, and says nothing until it is fitted; one of weight 0 is gone.

    Args:
        loaded: The model; left as it is, but that the encoder is shared.
        settings: As those of the model but for `HEADS`.

    Raises:
        ConfigError: They differ in more.
    """
    if settings == loaded.settings.model:
        return loaded
    bare = dict.fromkeys(HEADS, 0.0)
    if settings.model_copy(update=bare) != loaded.settings.model.model_copy(update=bare):
        raise ConfigError(f"a trained network can be given other {' and '.join(HEADS)}, nothing else of [model]")
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)  # a start is known again by its weights, those of a new head too
        model = Cacre(loaded.model.encoder, settings, marks=Featurizer.mark_count, values=Featurizer.value_count)
    own = model.state_dict()
    weights = {name: value for name, value in loaded.model.state_dict().items() if name in own}
    model.load_state_dict(own | weights)
    return replace(loaded, model=model.eval(), settings=loaded.settings.model_copy(update={"model": settings}))


def silent_weights(model: Cacre) -> set[str]:
    """Names of the weights of heads that were never fitted: they mean nothing yet."""
    heads = {prefix: getattr(model.reader, name, None) for name, prefix in _PREFIXES.items()}
    silent = tuple(prefix for prefix, head in heads.items() if head is not None and not head.fitted)
    return {name for name in model.state_dict() if name.startswith(silent)}
