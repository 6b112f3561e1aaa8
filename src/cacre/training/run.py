"""One training run: examples in, a model folder out."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from cacre.config import Settings
from cacre.data.extracted import Extracted, with_extracted
from cacre.data.splits import split_examples
from cacre.errors import ConfigError, DataError
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
from cacre.training.parallel import meet, on_first, process_count, process_index, shared_encoder_cache
from cacre.training.trainer import CacreTrainer, dev_aucs, texts_at_once
from cacre.types import Example


@dataclass(frozen=True)
class TrainingResult:
    """What a run leaves behind besides its folder.

    Args:
        dev: The dev examples, for fitting thresholds.
        metrics: The content of `metrics.json`.
        first: Whether this is the process that goes on with the folder, where several have trained together.
    """

    dev: Sequence[Example]
    metrics: dict[str, Any]
    first: bool = True


def train(
    examples: Sequence[Example],
    output: Path,
    settings: Settings,
    schema: Schema,
    dev: Sequence[Example] | None = None,
    extracted: Extracted | None = None,
) -> TrainingResult:
    """Train CACRE and write a model folder.

    Started again after an interruption it goes on from the last checkpoint; after its end it trains no further.
    Started in several processes by `torchrun` or `accelerate launch` it trains as one process would, see
    docs/parallel-training.md; the first of them writes.

    Args:
        examples: Contrastive examples.
        output: The model folder; checkpoints go to `output/checkpoints`.
        settings: All settings.
        schema: Relation schema: cue words, paraphrases, negatives.
        dev: Examples to choose the checkpoint on; split off from `examples` without a leak when not
            given. Those without a wrong triple are given generated ones.
        extracted: An extractor's candidates by text; those that the lists of their text do not speak for become
            negatives. Of dev texts they are left alone, so that dev stays the same with them and without.

    Raises:
        DataError: No usable example, or candidates of other texts only.
        ConfigError: The folder holds a run with other settings, other data or another schema.
    """
    started = time.monotonic()
    meet()
    if settings.training.batch_size < process_count():
        raise ConfigError(
            f"training.batch_size={settings.training.batch_size} texts for {process_count()} processes leave some "
            "without any: start fewer processes, or set a larger batch_size"
        )
    record = run_record(settings, data_record(schema, examples, dev, extracted))
    on_first(lambda: claim_folder(output, record))
    if dev is None:
        fraction = settings.training.dev_fraction
        parts = split_examples(examples, (1.0 - fraction, fraction, 0.0), settings.training.seed)
        if not parts.dev:
            raise DataError(
                f"training.dev_fraction={fraction} of {len(examples)} examples, split without a leak, leaves none "
                "for dev: give more data, a larger fraction, or dev data of its own (--dev)"
            )
        examples, dev = parts.train, parts.dev
    if extracted:
        examples = with_extracted(examples, extracted, schema, most=settings.training.extracted_negatives)
    count = max(1, settings.training.generated_negatives)
    dev = with_negatives(dev, schema, count=count, seed=settings.training.seed)
    metrics = on_first(lambda: _finished(output))
    if metrics is None:
        metrics = _train(examples, dev, output, settings, schema, started)
        on_first(lambda: _write_metrics(output, metrics))
    return TrainingResult(dev, metrics, process_index() == 0)


def _train(
    examples: Sequence[Example],
    dev: Sequence[Example],
    output: Path,
    settings: Settings,
    schema: Schema,
    started: float,
) -> dict[str, Any]:
    training = settings.training
    set_seed(training.seed)
    loaded = build_model(settings, schema, examples)
    examples = with_renamed(examples, schema, copies=training.renamed_copies, seed=training.seed)
    train_features, dev_features = (
        _featurize(part, loaded, settings, name) for part, name in ((examples, "train"), (dev, "dev"))
    )
    _standardise(loaded.model, train_features.examples)
    cache = _freeze(loaded.model, output, (train_features, dev_features)) if settings.encoder.frozen else None
    collator = Collator(loaded.featurizer, settings.model, settings.loss, cache, training.seed)
    criterion = Criterion(loaded.model, settings.loss)
    trainer = CacreTrainer(criterion, settings, train_features.examples, dev_features.examples, collator, output)
    if process_index():  # else all processes would drop the same places
        torch.manual_seed(training.seed + process_index())
    checkpoint = on_first(lambda: last_checkpoint(output / "checkpoints"))
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    loaded.model.eval()
    on_first(lambda: save_model(output, loaded))
    return {
        "dev": dev_aucs(loaded.model, dev_features.examples, collator, texts_at_once(training)),
        "steps": outcome.global_step,
        "seconds": round(time.monotonic() - started, 1),
        "parameters": sum(p.numel() for p in loaded.model.parameters()),
        "train": _counts(train_features),
        "dev_data": _counts(dev_features),
        "history": trainer.state.log_history,
    }


def _finished(output: Path) -> dict[str, Any] | None:
    """The metrics of a complete run; they are written last."""
    path = output / "metrics.json"
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found


def _write_metrics(output: Path, metrics: dict[str, Any]) -> None:
    with atomic_writer(output / "metrics.json") as stream:
        json.dump(metrics, stream, ensure_ascii=False, indent=1)


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
        kinds=settings.training.generated_kinds,
        complete=settings.training.complete_annotation,
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
    triples = [piece for part in parts for e in part.examples for p in e.pairs for piece in p.triple.pieces]
    return shared_encoder_cache(model.encoder, output / "checkpoints" / "encoder_states.bin", [*windows, *triples])


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
) -> dict[str, Any]:
    """What `train` is given besides settings, as hashes.

    Args:
        schema: Relation schema.
        examples: The data, dev not yet split off.
        dev: Data for dev; None where it is split off.
        extracted: An extractor's candidates.
    """
    return {
        "schema": _hash(schema.to_json()),
        "data": _hash([astuple(example) for example in examples]),
        "dev": "split off" if dev is None else _hash([astuple(example) for example in dev]),
        **({"extracted": _hash({text: list(found) for text, found in extracted.items()})} if extracted else {}),
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
