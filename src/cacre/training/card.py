"""The model card of a trained folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from cacre.files import atomic_writer

DEV = "dev of training"
"""What thresholds say that they were fitted on, where the training itself has fitted them."""
_LIMITS = (
    "Chinese only. It judges what the text says, not what is true. Scores are comparable between texts, but thresholds "
    "were fitted on written negatives: natural errors of an extractor differ, so recalibrate on your own rows "
    "(`cacre calibrate`)."
)


@dataclass(frozen=True)
class CardNotes:
    """What a card says that stands in no file of the folder.

    Args:
        name: Name of the model.
        data: Files it was trained on.
        license_name: Licence of the weights.
        note: Said about the data, in place of the names of the files.
    """

    name: str
    data: Sequence[str]
    license_name: str = "other"
    note: str | None = None


def write_card(folder: Path, notes: CardNotes) -> None:
    """Write `README.md` from what the folder's other files say.

    Args:
        folder: A trained and exported model folder.
        notes: Name, data, licence.
    """
    config, metrics, thresholds, schema = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("config", "metrics", "thresholds", "schema")
    )
    settings = config["settings"]
    template = (resources.files("cacre.resources") / "templates" / "model_card.md").read_text(encoding="utf-8")
    model, loss = settings["model"], settings["loss"]
    text = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False).from_string(template)
    card = text.render(
        name=notes.name,
        license=notes.license_name,
        parameters=f"{metrics['parameters']:,}",
        encoder=f"{config['encoder']['model_type']}, {config['encoder'].get('num_hidden_layers', '?')} layers",
        preset=settings["preset"],
        summary=f"second_hop={model['second_hop']}, local_similarity={model['local_similarity']}, "
        f"evidence={model['evidence']}, evidence_head={model['evidence_head']:g}, "
        f"pattern_head={model['pattern_head']:g}, negatives={loss['negatives']}",
        schema=schema.get("name", "schema"),
        relations=len(schema["relations"]),
        files=[{"name": f.name, "size": f"{f.stat().st_size / 1e6:.2f} MB"} for f in sorted(folder.glob("*.onnx"))],
        data=notes.note or "Trained on: " + ", ".join(f"`{Path(name).name}`" for name in notes.data) + ".",
        train=metrics["train"],
        dev_data=metrics["dev_data"],
        dev=metrics["dev"],
        fitted=thresholds["fitted_on"],
        fitted_here=thresholds["fitted_on"].get("data") == DEV,
        new=thresholds.get("new_relations", {}).get("fitted_on"),
        limits=_LIMITS,
    )
    with atomic_writer(folder / "README.md") as stream:
        stream.write(card)
