"""One training run: examples in, a model folder out."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from cacre.config import Settings
from cacre.data.domains import Domain
from cacre.data.extracted import Extracted, with_extracted
from cacre.data.negatives import CorruptionRules
from cacre.data.splits import split_examples
from cacre.errors import ConfigError, DataError
from cacre.files import atomic_writer
from cacre.modeling.folder import LoadedModel, save_model
from cacre.modeling.heads import silent_weights
from cacre.modeling.model import Cacre
from cacre.modeling.pretrained import build_encoder, load_encoder, load_encoder_tokenizer
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.schema import Schema, new_relations
from cacre.training.averaging import average_with, copied_weights
from cacre.training.batches import Collator
from cacre.training.checkpoints import claim_folder, last_checkpoint
from cacre.training.encoder_cache import EncoderCache
from cacre.training.evidence_head import fit_evidence_head
from cacre.training.features import ExampleFeatures, Featurized, value_statistics, with_negatives
from cacre.training.objective import Criterion
from cacre.training.parallel import meet, on_first, process_count, process_index, shared_encoder_cache
from cacre.training.parts import check_domains, featurized, training_parts
from cacre.training.pattern_head import fit_pattern_head
from cacre.training.record import data_record, run_record, weights_digest
from cacre.training.trainer import CacreTrainer, dev_aucs, texts_at_once
from cacre.types import Example


@dataclass(frozen=True)
class TrainingResult:
    """What a run leaves behind besides its folder.

    Args:
        dev: The dev examples, for fitting thresholds.
        metrics: The content of `metrics.json`.
        first: Whether this is the process that goes on with the folder, where several have trained together.
        before: Whether the run had ended before, so that nothing was trained now.
    """

    dev: Sequence[Example]
    metrics: dict[str, Any]
    first: bool = True
    before: bool = False


@dataclass(frozen=True)
class _Start:
    """A trained model with the schema and the settings it goes on with, and its part in the average at the end."""

    model: LoadedModel
    weight: float


def train(
    examples: Sequence[Example],
    output: Path,
    settings: Settings,
    schema: Schema,
    dev: Sequence[Example] | None = None,
    extracted: Extracted | None = None,
    start: LoadedModel | None = None,
    domains: Sequence[Domain] = (),
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
        start: A trained model to go on from, instead of a new network; its weights are changed. Whatever describes
            a network must be the same in `settings`, see `network_settings` and `modeling.heads.with_heads`.
        domains: Texts under schemas of their own, to learn from besides: of relations in general, not of these ones,
            which the schema of the model does not get.

    Raises:
        DataError: No usable example, or candidates of other texts only.
        ConfigError: The folder holds a run with other settings, other data, another schema or another start;
            `settings` describe another network than that of `start`; a relation that is to be left out is not in
            the schema; or domains are none to learn from, see `check_domains`.
    """
    started = time.monotonic()
    meet()
    network = settings.model_dump(include={"model", "encoder"})
    if start is not None and network_settings(start, frozen=settings.encoder.frozen) != network:
        raise ConfigError("[model] and [encoder] are those of the model that training starts from: leave them out")
    if settings.training.batch_size < process_count():
        raise ConfigError(
            f"training.batch_size={settings.training.batch_size} texts for {process_count()} processes leave some "
            "without any: start fewer processes, or set a larger batch_size"
        )
    check_domains(domains, schema, settings.loss)
    if unknown := set(settings.training.generated_without) - schema.relations.keys():
        raise ConfigError(f"training.generated_without names {sorted(unknown)}, which schema {schema.name!r} lacks")
    record = run_record(settings, data_record(schema, examples, dev, extracted, domains))
    record |= {"start": weights_digest(start.model)} if start else {}
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
    count, without = max(1, settings.training.generated_negatives), frozenset(settings.training.generated_without)
    rules = CorruptionRules(without=without)
    dev = with_negatives(dev, schema, count=count, seed=settings.training.seed, rules=rules)
    metrics = on_first(lambda: _finished(output))
    before = metrics is not None
    if metrics is None:
        begun = (
            _Start(replace(start, schema=schema, settings=settings), start_weight(settings, start, schema))
            if start
            else None
        )
        metrics = _train(examples, dev, output, settings, schema, started, begun, domains)
        on_first(lambda: _write_metrics(output, metrics))
    return TrainingResult(dev, metrics, process_index() == 0, before)


def _train(
    examples: Sequence[Example],
    dev: Sequence[Example],
    output: Path,
    settings: Settings,
    schema: Schema,
    started: float,
    start: _Start | None,
    domains: Sequence[Domain],
) -> dict[str, Any]:
    training = settings.training
    set_seed(training.seed)
    everything = [*examples, *(example for domain in domains for example in domain.examples)]
    loaded = start.model if start else build_model(settings, schema, everything)
    train_features, own = training_parts(examples, domains, loaded)
    dev_features = featurized(dev, loaded, "dev", use="dev")
    if start is None:  # what was learnt goes by the scale it was learnt with
        _standardise(loaded.model, train_features.examples)
    cache = _freeze(loaded.model, output, (train_features, dev_features)) if settings.encoder.frozen else None
    collator = Collator(loaded.featurizer, settings.model, settings.loss, cache, training.seed)
    criterion = Criterion(loaded.model, settings.loss)
    trainer = CacreTrainer(criterion, settings, train_features.examples, dev_features.examples, collator, output)
    if process_index():  # else all processes would drop the same places
        torch.manual_seed(training.seed + process_index())
    before = dev_aucs(loaded.model, dev_features.examples, collator, texts_at_once(training)) if start else None
    weights = copied_weights(loaded.model, without=silent_weights(loaded.model)) if start else None
    checkpoint = on_first(lambda: last_checkpoint(output / "checkpoints"))
    outcome = trainer.train(resume_from_checkpoint=checkpoint)
    loaded.model.eval()
    head_loss = fit_evidence_head(loaded.model, train_features.examples, seed=training.seed)
    pattern_loss = fit_pattern_head(loaded.model, own, seed=training.seed)
    if start and weights:
        average_with(loaded.model, weights, start.weight)
    on_first(lambda: save_model(output, loaded))
    return {
        "dev": dev_aucs(loaded.model, dev_features.examples, collator, texts_at_once(training)),
        **({"dev_of_start": before, "start_weight": start.weight} if start and before else {}),
        **({} if head_loss is None else {"evidence_head_loss": head_loss}),
        **({} if pattern_loss is None else {"pattern_head_loss": pattern_loss}),
        "steps": outcome.global_step,
        "seconds": round(time.monotonic() - started, 1),
        "parameters": sum(p.numel() for p in loaded.model.parameters()),
        "train": _counts(train_features),
        "dev_data": _counts(dev_features),
        "history": trainer.state.log_history,
    }


def start_weight(settings: Settings, start: LoadedModel, schema: Schema) -> float:
    """How far a start counts: relations that it has not learned lose by an average with it."""
    weight = settings.training.start_weight
    if weight is None:
        weight = 0.0 if new_relations(start.schema, schema) else 0.5
    return weight


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


def network_settings(start: LoadedModel, *, frozen: bool = False) -> dict[str, Any]:
    """The tables `model` and `encoder` of training that goes on from a model, as `load_settings` takes them.

    Args:
        start: The model.
        frozen: Whether its encoder stays as it is.
    """
    return {
        "model": start.settings.model.model_dump(),
        "encoder": start.settings.encoder.model_dump() | {"frozen": frozen},
    }


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
