"""A made-up corpus that a tiny network learns in seconds, settings for such a network, and folders with one in it."""

import json
from pathlib import Path

import numpy as np
import torch

from cacre.config import Settings, parse_settings
from cacre.modeling.folder import LoadedModel, save_model
from cacre.schema import load_schema
from cacre.training.run import build_model
from cacre.types import Example, Triple

_SURNAMES = "林顾沈贺陆许周秦"
_GIVEN = "知远青禾若汐一鸣闻笙望舒景舟砚秋"
_TITLES = "雾渡灯塔寒露盐田潮汐纸鸢山雪海信"
TINY = {
    "encoder": {
        "architecture": "bert",
        "hidden_size": 16,
        "num_layers": 1,
        "num_heads": 2,
        "intermediate_size": 32,
        "max_positions": 128,
    },
    "model": {
        "pair_width": 12,
        "attention_heads": 2,
        "projection_size": 8,
        "max_text_length": 64,
        "max_triple_length": 32,
    },
    "training": {
        "learning_rate": 3e-3,
        "encoder_learning_rate": 3e-3,
        "batch_size": 8,
        "epochs": 2,
        "warmup_ratio": 0.0,
    },
}
RESUMED = {"training": {"epochs": 3, "batch_size": 4, "evaluations_per_epoch": 2}}
"""Checkpoints in the middle of an epoch too."""
READER = {
    "model": {"reader_layers": 2, "evidence_layers": 0, "second_hop": "none"},
    "loss": {"bce_weight": 1.0},
}
"""A reader decides in place of the similarity."""
LITERAL = {
    "encoder": {"architecture": "bert"},
    "model": {
        "pair_width": 0,
        "attention_residual": False,
        "second_hop": "same_side",
        "pad_to_max": True,
        "max_text_length": 48,
        "max_triple_length": 48,
        "mask_padding": False,
        "local_similarity": "position",
        "pair_similarity": "position",
        "role_embedding": False,
        "evidence": False,
        "evidence_layers": 0,
    },
    "loss": {"text_positives": "positive", "negatives": "cross_text", "paraphrased_negatives": False},
}
"""What of the preset `paper` changes the network, at a tiny size."""


def settings(*layers: dict[str, dict[str, object]]) -> Settings:
    """Tiny settings, with some of them replaced."""
    tables: dict[str, dict[str, object]] = {}
    for layer in (TINY, *layers):
        for table, values in layer.items():
            tables[table] = {**tables.get(table, {}), **values}
    return parse_settings(tables, "tiny")


def films(count: int, seed: int = 0) -> list[Example]:
    """Texts about who directed and who starred in a film; negatives name the wrong one, or a stranger."""
    rng = np.random.default_rng(seed)
    examples = []
    for number in range(count):
        title = "".join(rng.choice(list(_TITLES), 3, replace=False)) + f"{number}号"
        names = set()
        while len(names) < 3:
            names.add(str(rng.choice(list(_SURNAMES))) + "".join(rng.choice(list(_GIVEN), 2, replace=False)))
        director, actor, stranger = sorted(names)
        text = f"电影《{title}》由{director}执导，{actor}领衔主演，今日上映。"
        anchors = (Triple(title, "导演", director), Triple(title, "主演", actor))
        positives = (_inverse(anchors[0]), _inverse(anchors[1]))
        negatives = (Triple(title, "导演", actor), Triple(title, "主演", stranger))
        examples.append(Example(text, anchors, positives, negatives, id=f"film-{number}"))
    return examples


def _inverse(triple: Triple) -> Triple:
    return Triple(triple.object, {"导演": "执导", "主演": "主演作品"}[triple.predicate], triple.subject)


def shuffled(examples: list[Example], seed: int = 0) -> list[Example]:
    """The same texts with labels that mean nothing: half of the examples have anchors and negatives exchanged."""
    rng = np.random.default_rng(seed)
    flipped = rng.permutation(len(examples)) % 2 == 0
    made = []
    for example, flip in zip(examples, flipped, strict=True):
        right, wrong = (example.negatives, example.anchors) if flip else (example.anchors, example.negatives)
        made.append(Example(example.text, right, tuple(map(_inverse, right)), wrong, id=example.id))
    return made


def write_rows(path: Path, examples: list[Example]) -> Path:
    """Write contrastive rows."""
    rows = [
        {"id": e.id, "text": e.text, "anchors": e.anchors, "positives": e.positives, "negatives": e.negatives}
        for e in examples
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def random_model(chosen: Settings, seed: int = 3) -> LoadedModel:
    """A network with random weights and the tokenizer of the corpus."""
    torch.manual_seed(seed)
    loaded = build_model(chosen, load_schema("duie"), films(12))
    with torch.no_grad():  # away from what initialisation makes special: zero biases, norms of one
        for parameter in loaded.model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    loaded.model.eval()
    return loaded


def write_untrained(folder: Path, chosen: Settings) -> LoadedModel:
    """A model folder with random weights, and thresholds that keep everything."""
    loaded = random_model(chosen)
    save_model(folder, loaded)
    off = {"format": 1, "text_threshold": -1.0, "pair_thresholds": {}, "calibration": None, "fitted_on": {}}
    (folder / "thresholds.json").write_text(json.dumps(off), encoding="utf-8")
    return loaded
