"""One training run: annotated texts in, an extractor's folder out."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import set_seed

from cacre.baselines.extractors.annotations import split_annotated
from cacre.baselines.extractors.card import write_card
from cacre.baselines.extractors.folder import TorchExtractor, make_network, save_extractor
from cacre.baselines.extractors.marks import Marker
from cacre.baselines.extractors.settings import ExtractorSettings
from cacre.baselines.extractors.trainer import ExtractorTrainer
from cacre.data.duie import DuieText
from cacre.errors import DataError
from cacre.evaluation.duie_scorer import Scores, Spo, score
from cacre.files import atomic_writer
from cacre.modeling.pretrained import build_encoder, load_encoder, load_encoder_tokenizer
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.schema import Schema
from cacre.training.checkpoints import claim_folder, last_checkpoint
from cacre.types import Triple

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Tried on dev, for each checkpoint and after training."""


def train_extractor(
    name: str,
    texts: Sequence[DuieText],
    output: Path,
    settings: ExtractorSettings,
    schema: Schema,
    dev: Sequence[DuieText] | None = None,
) -> dict[str, Any]:
    """Train a system, choose its checkpoint and its threshold by flat micro F1 on dev, and write its folder.

    Started again after an interruption it goes on from the last checkpoint; after its end it trains no further.

    Args:
        name: A system of the registry.
        texts: Annotated texts, those without triples too.
        output: The folder; checkpoints go to `output/checkpoints`.
        settings: All settings.
        schema: The relations to find.
        dev: Split off from `texts` without a leak when not given.

    Returns:
        The content of `metrics.json`.

    Raises:
        ConfigError: A setting is unknown, or the folder holds a run with other settings or data.
        DataError: There is nothing to learn from, or nothing for dev.
    """
    started = time.monotonic()
    if not any(text.facts for text in texts):
        raise DataError(f"none of the {len(texts)} texts has a triple: there is nothing to learn from")
    claim_folder(output, _record(name, settings, schema, texts, dev))
    if (output / "metrics.json").is_file():  # written last: the run is complete
        metrics: dict[str, Any] = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
        return metrics
    if dev is None:
        texts, dev = split_annotated(texts, settings.training.dev_fraction, settings.training.seed)
    set_seed(settings.training.seed)
    extractor = new_extractor(name, texts, settings, schema)
    extractor.network.prepare(texts, schema)
    marker = Marker(extractor.maker, extractor.tags, settings.data.occurrences)
    items = marker.label(texts)
    left_out = {"not in a window": marker.lost, "not in the schema": marker.unknown}
    counts = {"texts": len(texts), "windows": len(items), "facts": sum(len(text.facts) for text in texts)}
    trainer = ExtractorTrainer(
        extractor.network, settings.training, items, marker, lambda: _best_measured(extractor, dev), output
    )
    outcome = trainer.train(resume_from_checkpoint=last_checkpoint(output / "checkpoints"))
    extractor.network.eval()
    metrics = {
        **_fit_threshold(extractor, dev),
        "steps": outcome.global_step,
        "seconds": round(time.monotonic() - started, 1),
        "parameters": sum(parameter.numel() for parameter in extractor.network.parameters()),
        "train": counts,
        "parts left out": left_out,
        "history": trainer.state.log_history,
    }
    save_extractor(output, extractor, {"data": "dev", "texts": len(dev), "mode": "flat", **metrics["dev"]})
    write_card(output, extractor, metrics)
    with atomic_writer(output / "metrics.json") as stream:
        json.dump(metrics, stream, ensure_ascii=False, indent=1)
    return metrics


def _best_measured(extractor: TorchExtractor, dev: Sequence[DuieText]) -> dict[str, float]:
    """Dev scores at the threshold that would be chosen now: at a fixed one a young network finds nothing."""
    tried, best = _tried(extractor, dev)
    return {**_measured(tried[best]), "threshold": best}


def _tried(extractor: TorchExtractor, dev: Sequence[DuieText]) -> tuple[dict[float, Scores], float]:
    """The dev scores at every threshold, and the threshold of the best F1; of equals, that next to 0.5."""
    tried = {threshold: dev_scores(extractor, dev, threshold) for threshold in THRESHOLDS}
    return tried, max(tried, key=lambda threshold: (tried[threshold].f1, -abs(threshold - 0.5)))


def _fit_threshold(extractor: TorchExtractor, dev: Sequence[DuieText]) -> dict[str, Any]:
    """Set the threshold with the best F1 on dev, and give the scores of all."""
    tried, best = _tried(extractor, dev)
    extractor.threshold = best
    every = {str(threshold): _measured(scores) for threshold, scores in tried.items()}
    return {"dev": _measured(tried[best]), "threshold": best, "thresholds": every, "dev_texts": len(dev)}


def new_extractor(name: str, texts: Sequence[DuieText], settings: ExtractorSettings, schema: Schema) -> TorchExtractor:
    """An untrained extractor: around a pretrained encoder if one is named, else from sizes alone."""
    if settings.encoder.name_or_path:
        tokenizer = load_encoder_tokenizer(settings.encoder.name_or_path)
        encoder = load_encoder(settings.encoder)
    else:
        tokenizer = build_character_tokenizer(text.text for text in texts)
        encoder = build_encoder(settings.encoder, tokenizer.get_vocab_size())
    if settings.encoder.frozen:
        encoder.requires_grad_(False)
    return TorchExtractor(make_network(name, encoder, schema, settings), tokenizer, schema, settings)


def dev_scores(extractor: TorchExtractor, texts: Sequence[DuieText], threshold: float) -> Scores:
    """Flat micro scores of annotated texts at a threshold."""
    found = extractor.extract_at([text.text for text in texts], threshold)
    predictions = {
        text.text: [_spo(candidate.triple) for candidate in candidates]
        for text, candidates in zip(texts, found, strict=True)
    }
    return score(predictions, {text.text: [_spo(triple) for triple in text.triples] for text in texts}, "flat")


def _spo(triple: Triple) -> Spo:
    return triple.subject, triple.predicate, triple.object


def _measured(scores: Scores) -> dict[str, float]:
    return {name: round(getattr(scores, name), 6) for name in ("precision", "recall", "f1")}


def _record(
    name: str,
    settings: ExtractorSettings,
    schema: Schema,
    texts: Sequence[DuieText],
    dev: Sequence[DuieText] | None,
) -> dict[str, Any]:
    """What determines a run."""
    relations = hashlib.sha256(json.dumps(schema.to_json(), ensure_ascii=False).encode()).hexdigest()[:16]
    return {
        "extractor": name,
        "extractor_settings": settings.model_dump(mode="json"),
        "schema": relations,
        "data": _digest(texts),
        "dev": None if dev is None else _digest(dev),
    }


def _digest(rows: Sequence[DuieText]) -> str:
    whole = hashlib.sha256()
    for row in rows:
        whole.update(json.dumps(row.to_dict(), ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass"))
    return whole.hexdigest()[:16]
