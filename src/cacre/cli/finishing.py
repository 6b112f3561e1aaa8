"""What `cacre train` does once the network is trained: graphs, thresholds, card; each once, unless asked otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cacre.cli.fitted_folder import THRESHOLDS, write_fitted
from cacre.data.domains import Domain
from cacre.evaluation.fitting import Requirements, fit_new_relations, fit_verifier, write_thresholds
from cacre.evaluation.labelled_scores import LabelledText, Part
from cacre.evaluation.labelling import label_by_lists, of_relations
from cacre.export import export_onnx
from cacre.export.onnx import Precision
from cacre.files import atomic_writer
from cacre.inference import DecisionRules, OnnxVerifier
from cacre.inference.folder import GRAPHS
from cacre.inference.thresholds import OFF, Thresholds
from cacre.training.card import DEV, CardNotes, write_card
from cacre.training.record import domains_digest
from cacre.types import Example

RECORD = "finished.json"
"""How each part was made, so that a later command knows what is left to do. What `cacre calibrate` has fitted stays."""
_CARD = "README.md"


@dataclass(frozen=True)
class Finishing:
    """How to make what stands beside the weights.

    Args:
        precision: How the graphs store weights.
        max_recall_loss: Most recall that the thresholds may cost on dev; best F1 if None.
        notes: For the card.
        domains: What to fit the thresholds for relations on that the model has not learned; without any it gets none.
    """

    precision: Precision
    max_recall_loss: float | None
    notes: CardNotes
    domains: Sequence[Domain] = ()


@dataclass(frozen=True)
class Finished:
    """What was done.

    Args:
        parts: Names of the parts made now, in order; none where all stood there already.
        replaced: Whether other thresholds stood there, which are now the backup.
    """

    parts: tuple[str, ...]
    replaced: bool


def finish_folder(folder: Path, dev: Sequence[Example], options: Finishing, *, trained_before: bool) -> Finished:
    """Export a trained folder, fit its thresholds and write its card, as far as that is not done with these options.

    A part made anew has all after it made anew: thresholds go by the graphs, and the card names both.

    Args:
        folder: The folder.
        dev: What to measure int8 and to fit thresholds on.
        options: How.
        trained_before: Whether the network is that of an earlier command; else nothing that stands there is of use.
    """
    rows = [label_by_lists(example) for example in dev if example.negatives or example.hard]
    replaced = False

    def fit() -> None:
        nonlocal replaced
        replaced = _fit(folder, rows, options)

    steps: dict[str, tuple[Any, Sequence[str], Callable[[], object]]] = {
        "graphs": (options.precision, GRAPHS, lambda: export_onnx(folder, None, options.precision, rows)),
        "thresholds": (_fitted_by(options), [THRESHOLDS], fit),
        "card": (_said(options.notes), [_CARD], lambda: write_card(folder, options.notes)),
    }
    done = _done(folder) if trained_before else {}
    record: dict[str, Any] = {}
    made: list[str] = []
    for name, (wanted, files, make) in steps.items():
        there = name in done and done[name] == wanted and all((folder / file).is_file() for file in files)
        if made or not there:
            make()
            made.append(name)
        record[name] = wanted
        if made:
            _write(folder, record)
    return Finished(tuple(made), replaced)


def _fitted_by(options: Finishing) -> object:
    found = options.max_recall_loss
    return [found, domains_digest(options.domains)] if options.domains else found


def _fit(folder: Path, rows: Sequence[LabelledText], options: Finishing) -> bool:
    """Fit and write thresholds; gives whether others stood there, which are now the backup."""
    if not (folder / THRESHOLDS).is_file():  # without any the folder is no verifier
        write_thresholds(folder, Thresholds(text_threshold=OFF))
    verifier = OnnxVerifier(folder)
    wanted = None if options.max_recall_loss is None else Requirements(max_recall_loss=options.max_recall_loss)
    fitted = fit_verifier(verifier, rows, fitted_on={"data": DEV, "labels": "lists"}, requirements=wanted)
    if options.domains:
        record = {"data": [domain.name for domain in options.domains], "labels": "lists"}
        parts = [_judged_anew(folder, domain) for domain in options.domains]
        fitted = replace(fitted, new_relations=fit_new_relations(parts, fitted_on=record, requirements=wanted))
    if not verifier.thresholds.fitted_on:  # those from above
        write_thresholds(folder, fitted)
        return False
    return write_fitted(folder, folder, fitted)


def _judged_anew(folder: Path, domain: Domain) -> Part:
    """The lists of a domain, without the relations that the model has learned, and a verifier with its schema."""
    verifier = OnnxVerifier(folder, rules=DecisionRules(schema=domain.schema))
    rows = [label_by_lists(example) for example in domain.examples]
    return verifier, [of_relations(row, verifier.new_relations) for row in rows]


def _said(notes: CardNotes) -> dict[str, str | None]:
    return {"name": notes.name, "license": notes.license_name, "note": notes.note}


def _done(folder: Path) -> dict[str, Any]:
    try:
        values = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # older than the record, or cut short: then all is made anew
        return {}
    return values if isinstance(values, dict) else {}


def _write(folder: Path, record: dict[str, Any]) -> None:
    with atomic_writer(folder / RECORD) as stream:
        json.dump(record, stream, ensure_ascii=False, indent=1)
