"""One training run: examples in, a model folder out."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from cacre.config import Settings
from cacre.data.splits import split_examples
from cacre.errors import DataError
from cacre.files import atomic_writer
from cacre.modeling.folder import LoadedModel, save_model
from cacre.modeling.model import Cacre
from cacre.modeling.pretrained import build_encoder, load_encoder, load_encoder_tokenizer
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.schema import Schema
from cacre.training.batches import Collator
from cacre.training.checkpoints import claim_folder, last_checkpoint
from cacre.training.encoder_cache import EncoderCache
from cacre.training.features import (
    ExampleFeatures,
    Featurized,
    featurize,
    value_statistics,
    with_negatives,
    with_renamed,
)
from cacre.training.objective import Criterion
from cacre.training.trainer import CacreTrainer, dev_aucs
from cacre.types import Example


@dataclass(frozen=True)
class TrainingResult:
    """What a run leaves behind besides its folder.

    Args:
        dev: The dev examples, for fitting thresholds.
        metrics: The content of `metrics.json`.
    """

    dev: Sequence[Example]
    metrics: dict[str, Any]


def train(
    examples: Sequence[Example],
    output: Path,
    settings: Settings,
    schema: Schema,
    dev: Sequence[Example] | None = None,
) -> TrainingResult:
    """Train CACRE and write a model folder.

    Started again after an interruption it goes on from the last checkpoint; after its end it trains no further.

    Args:
        examples: Contrastive examples.
        output: The model folder; checkpoints go to `output/checkpoints`.
        settings: All settings.
        schema: Relation schema: cue words, paraphrases, negatives.
        dev: Examples to choose the checkpoint on; split off from `examples` without a leak when not
            given. Those without a wrong triple are given generated ones.

    Raises:
        DataError: No usable example.
        ConfigError: The folder holds a run with other settings, other data or another schema.
    """
    started = time.monotonic()
    claim_folder(output, _record(settings, schema, examples, dev))
    if dev is None:
        fraction = settings.training.dev_fraction
        parts = split_examples(examples, (1.0 - fraction, fraction, 0.0), settings.training.seed)
        if not parts.dev:
            raise DataError(
                f"training.dev_fraction={fraction} of {len(examples)} examples, split without a leak, leaves none "
                "for dev: give more data, a larger fraction, or dev data of its own (--dev)"
            )
        examples, dev = parts.train, parts.dev
    count = max(1, settings.training.generated_negatives)
    dev = with_negatives(dev, schema, count=count, seed=settings.training.seed)
    if (output / "metrics.json").is_file():  # written last: the run is complete
        return TrainingResult(dev, json.loads((output / "metrics.json").read_text(encoding="utf-8")))
    set_seed(settings.training.seed)
    loaded = build_model(settings, schema, examples)
    examples = with_renamed(examples, schema, copies=settings.training.renamed_copies, seed=settings.training.seed)
    train_features, dev_features = (
        _featurize(part, loaded, settings, name) for part, name in ((examples, "train"), (dev, "dev"))
    )
    _standardise(loaded.model, train_features.examples)
    cache = _freeze(loaded.model, output, (train_features, dev_features)) if settings.encoder.frozen else None
    collator = Collator(loaded.featurizer, settings.model, settings.loss, cache, settings.training.seed)
    criterion = Criterion(loaded.model, settings.loss)
    trainer = CacreTrainer(criterion, settings, train_features.examples, dev_features.examples, collator, output)
    outcome = trainer.train(resume_from_checkpoint=last_checkpoint(output / "checkpoints"))
    loaded.model.eval()
    save_model(output, loaded)
    metrics = {
        "dev": dev_aucs(loaded.model, dev_features.examples, collator, settings.training.batch_size),
        "steps": outcome.global_step,
        "seconds": round(time.monotonic() - started, 1),
        "parameters": sum(p.numel() for p in loaded.model.parameters()),
        "train": _counts(train_features),
        "dev_data": _counts(dev_features),
        "history": trainer.state.log_history,
    }
    with atomic_writer(output / "metrics.json") as stream:
        json.dump(metrics, stream, ensure_ascii=False, indent=1)
    return TrainingResult(dev, metrics)


def build_model(settings: Settings, schema: Schema, examples: Sequence[Example]) -> LoadedModel:
    """A new network with its tokenizer: around a pretrained encoder if one is named, else from sizes alone."""
    if settings.encoder.name_or_path:
        tokenizer = load_encoder_tokenizer(settings.encoder.name_or_path)
        encoder = load_encoder(settings.encoder)
    else:
        words = [part for e in examples for t in (*e.anchors, *e.positives, *e.negatives) for part in t]
        relations = [w for r in schema.relations.values() for w in (r.name, *r.synonyms, *r.inverses)]
        tokenizer = build_character_tokenizer([*(e.text for e in examples), *words, *relations])
        encoder = build_encoder(settings.encoder, tokenizer.get_vocab_size())
    model = Cacre(encoder, settings.model, marks=Featurizer.mark_count, values=Featurizer.value_count)
    return LoadedModel(model, tokenizer, schema, settings)


def _featurize(examples: Sequence[Example], loaded: LoadedModel, settings: Settings, name: str) -> Featurized:
    is_train = name == "train"
    features = featurize(
        examples,
        loaded.featurizer,
        loaded.schema,
        generated=settings.training.generated_negatives if is_train else 0,
        paraphrase=is_train and settings.loss.paraphrased_negatives,
        seed=settings.training.seed,
    )
    if not features.examples:
        raise DataError(
            f"none of the {len(examples)} {name} examples has both an anchor and a negative; nothing to learn from"
        )
    return features


def _standardise(model: Cacre, examples: Sequence[ExampleFeatures]) -> None:
    if model.evidence is not None:
        mean, deviation = value_statistics(examples)
        model.evidence.mean.copy_(torch.from_numpy(mean))
        model.evidence.scale.copy_(torch.from_numpy(deviation))


def _freeze(model: Cacre, output: Path, parts: Sequence[Featurized]) -> EncoderCache:
    for parameter in model.encoder.parameters():
        parameter.requires_grad_(False)
    windows = [w.ids for part in parts for e in part.examples for w in e.windows]
    triples = [p.triple.ids for part in parts for e in part.examples for p in e.pairs]
    return EncoderCache(model.encoder, output / "checkpoints" / "encoder_states.bin", [*windows, *triples])


def _record(
    settings: Settings, schema: Schema, examples: Sequence[Example], dev: Sequence[Example] | None
) -> dict[str, Any]:
    """What determines a run; data and schema as hashes."""
    return {
        "settings": settings.model_dump(mode="json"),
        "schema": _hash(schema.to_json()),
        "data": _hash([astuple(example) for example in examples]),
        "dev": "split off" if dev is None else _hash([astuple(example) for example in dev]),
    }


def _hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()[:16]


def _counts(part: Featurized) -> dict[str, Any]:
    examples = part.examples
    return {
        "texts": len(examples),
        "anchors": sum(len(e.anchors) for e in examples),
        "negatives": sum(len(e.negatives) for e in examples),
        "skipped_texts": part.skipped,
        "refused_negatives": part.refused,
        "generated_negatives": dict(part.report.made),
        "guard_drop_rate": round(part.report.drop_rate, 4),
        "guard_dropped": dict(part.report.dropped),
    }
