"""The README of an extractor's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cacre.baselines.extractors.folder import TorchExtractor
from cacre.files import atomic_writer

_CARD = """---
library_name: cacre
tags: [relation-extraction, information-extraction, knowledge-graph]
---
# {title}

An extractor of relation triples that needs no LLM, trained with `cacre train-extractor {name}`.

    cacre extract texts.jsonl --extractor {folder} -o candidates.jsonl
    cacre run texts.jsonl --extractor {folder} -o kept.jsonl

## The original

{source}

What is publicly known of it: {published}

## What this is

{built}

What differs from the original, or may differ: {differs}

{parameters:,} parameters, encoder `{encoder}`; schema `{schema}`, {relations} relations. Names are looked for in the
text by string; the {occurrences} occurrence{plural} of a name {verb} marked. Texts longer than {length} tokens are cut
into windows. A slot of a complex object is tagged like a relation of its own and joined to the nearest object of the
same subject.

## Data and scores

Trained on {train[texts]} texts with {train[facts]} facts. {lost} parts of facts could not be marked (in no window:
{left_out[not in a window]}; not in the schema: {left_out[not in the schema]}). Checkpoint and threshold ({threshold})
were chosen on {dev_texts} dev texts, so these numbers flatter:

| flat, dev | value |
|---|---|
| precision | {dev[precision]:.3f} |
| recall | {dev[recall]:.3f} |
| F1 | {dev[f1]:.3f} |
"""


def write_card(folder: Path, extractor: TorchExtractor, metrics: Mapping[str, Any]) -> None:
    """Write `README.md`.

    Args:
        folder: The extractor's folder.
        extractor: What is in it.
        metrics: The content of `metrics.json`.
    """
    card, every = extractor.network.card, extractor.settings.data.occurrences == "all"
    config = extractor.network.encoder.backbone.config
    left_out = metrics["parts left out"]
    text = _CARD.format(
        name=extractor.name,
        folder=folder.name,
        title=card.title,
        source=card.source,
        published=card.published,
        built=card.built,
        differs=card.differs,
        encoder=f"{config.model_type}, {getattr(config, 'num_hidden_layers', '?')} layers",  # type: ignore[union-attr]
        schema=extractor.schema.name,
        relations=len(extractor.schema),
        occurrences=extractor.settings.data.occurrences,
        plural="s" if every else "",
        verb="are" if every else "is",
        length=extractor.maker.max_length,
        lost=sum(left_out.values()),
        left_out=left_out,
        **{name: metrics[name] for name in ("parameters", "train", "threshold", "dev_texts", "dev")},
    )
    with atomic_writer(folder / "README.md") as stream:
        stream.write(text)
