"""What `cacre calibrate` and `cacre train` say of fitted thresholds, and when they are not to be relied on."""

from __future__ import annotations

from typing import Any

from cacre.evaluation.certificate import Certificate
from cacre.evaluation.score_table import LabelSource
from cacre.inference.thresholds import Thresholds

FEW, FEW_OF_A_KIND = 100, 30
"""Labelled candidates, all and of either kind, under which what is fitted is mostly chance."""


def labels_line(source: LabelSource, unlabelled: int, *, chosen: bool, certified: bool) -> str:
    """Whose labels were used, and whether what a check of `cacre filter` rejects was fitted on too.

    Args:
        source: Whose labels they are.
        unlabelled: Rows without labels.
        chosen: Whether the rows told, and not the user.
        certified: Whether there is a guarantee.
    """
    told = " (chosen by --labels auto)" if chosen else ""
    left_out = f"; {unlabelled} rows without labels left out" if unlabelled else ""
    applied = "applied for the guarantee, not for the probability" if certified else "not applied"
    return f"labels: {source}{told}{left_out}; schema and mention checks {applied}"


def few_labels(fitted: Thresholds) -> str:
    """A warning where there were too few labels to rely on; else empty.

    Args:
        fitted: What was fitted.
    """
    found: dict[str, Any] = dict(fitted.fitted_on)
    right, wrong = found["true"], found["candidates"] - found["true"]
    if right + wrong >= FEW and min(right, wrong) >= FEW_OF_A_KIND:
        return ""
    return (
        f"warning: only {right + wrong} labelled candidates ({right} right, {wrong} wrong) of {found['texts']} texts: "
        f"what is fitted on so few need not hold for others; label at least {FEW}, {FEW_OF_A_KIND} of either kind"
    )


def outcome(fitted: Thresholds, certificate: Certificate | None) -> str:
    """What was found, in one line.

    Args:
        fitted: What was fitted.
        certificate: The guarantee, if one was asked for.
    """
    found: dict[str, Any] = dict(fitted.fitted_on)
    kind = fitted.calibration.kind if fitted.calibration else "no"
    numbers = (
        f"text_threshold {fitted.text_threshold:.4f}, pair_thresholds "
        f"{ {k: round(v, 4) for k, v in fitted.pair_thresholds.items()} }, {kind} probability; "
    )
    if certificate is None:
        reached = f"precision {found['precision']:.3f} recall {found['recall']:.3f} F1 {found['f1']:.3f}"
        return f"{numbers}on {found['candidates']} candidates {reached}"
    heavier = certificate.heavier_texts
    weighed = f", {heavier} of them counted as {certificate.settings.max_per_text} triples" if heavier else ""
    return (
        f"{numbers}precision >= {certificate.precision:g} with confidence {1 - certificate.delta:g} "
        f"(p = {certificate.p_value:.2g}): on {certificate.texts} other texts{weighed} {certificate.accepted} accepted "
        f"with precision {certificate.empirical_precision:.3f}, recall {certificate.recall:.3f}"
    )


def beside_lines(fitted: Thresholds, certificate: Certificate | None) -> list[str]:
    """What to hold the scores against: keeping everything, the text score alone; and what checks leave out.

    Args:
        fitted: What was fitted.
        certificate: The guarantee, if one was asked for.
    """
    found: dict[str, Any] = dict(fitted.fitted_on)
    everything = found["kept_all"]
    gain = "" if certificate else f"; the thresholds gain {_gain(found):+.3f} F1{_interval(found)}"
    lines = [
        f"keeping all {found['candidates']} candidates: precision {everything['precision']:.3f} recall "
        f"{everything['recall']:.3f} F1 {everything['f1']:.3f}{gain}; AUC of text_score {found['text_auc']:.3f}"
    ]
    if certificate is not None and certificate.left_out.total:
        lines.append(f"{certificate.left_out}: those count as missed")
    return lines


def gain_warning(fitted: Thresholds) -> str:
    """A warning where thresholds for the best F1 are no better than none, or may be so by chance; else empty.

    Args:
        fitted: What was fitted.
    """
    found: dict[str, Any] = dict(fitted.fitted_on)
    if found["criterion"] != "f1":
        return ""
    interval = found["f1_gain_interval"]
    if _gain(found) > 0 and (interval is None or interval[0] > 0):
        return ""
    what = "no F1" if _gain(found) <= 0 else "no more F1 than chance may"
    return (
        f"warning: the thresholds gain {what} over keeping every candidate: as a filter they do next to nothing on "
        "such rows; ask for a precision (--target-precision), or train on rows like these (cacre train --from)"
    )


def warnings_of(fitted: Thresholds) -> list[str]:
    """Why what was fitted is not to be relied on, if so: for the relations learned, then for those that are not.

    Args:
        fitted: What was fitted.
    """
    warnings = [few_labels(fitted), gain_warning(fitted)]
    if fitted.new_relations is not None:
        lines = few_labels(fitted.new_relations), gain_warning(fitted.new_relations)
        warnings += [f"relations not learned: {line}" for line in lines if line]
    return [line for line in warnings if line]


def _gain(found: dict[str, Any]) -> float:
    return float(found["f1"] - found["kept_all"]["f1"])


def _interval(found: dict[str, Any]) -> str:
    interval = found["f1_gain_interval"]
    return f" [{interval[0]:+.3f}, {interval[1]:+.3f}]" if interval else ""
