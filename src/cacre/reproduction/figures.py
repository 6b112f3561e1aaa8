"""Figures 2 and 3 of the paper, from the lists that an LLM wrote for the texts of a candidate file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from cacre.errors import DataError
from cacre.evaluation.figure_data import Similarities
from cacre.evaluation.figure_style import Language, save
from cacre.evaluation.figures import roc_figure, similarity_histograms
from cacre.evaluation.score_table import Floats
from cacre.inference import OnnxVerifier
from cacre.reproduction.candidate_sets import CandidateTexts


def similarities(verifier: OnnxVerifier, sets: CandidateTexts) -> Similarities:
    """Cosines of anchor and positive, anchor and negative, text and anchor, text and negative.

    Raises:
        DataError: The file has no contrastive lists.
    """
    if not any(sets.negatives):
        raise DataError(f"{sets.name}: Figures 2 and 3 need contrastive rows (anchors, positives, negatives)")
    against_positive = verifier.score_many(sets.pairs, ("paraphrase",))
    wrong = [
        [replace(candidate, paraphrase=negative) for candidate, negative in zip(row, negatives, strict=True)]
        for row, negatives in zip(sets.candidates, sets.negatives, strict=True)
    ]
    against_negative = verifier.score_many(list(zip(sets.texts, wrong, strict=True)), ("paraphrase",))
    alone = [[replace(one, triple=one.paraphrase, paraphrase=None) for one in row if one.paraphrase] for row in wrong]
    negatives = verifier.score_many(list(zip(sets.texts, alone, strict=True)), ())
    return Similarities(
        _column([score.pair_score for row in against_positive for score in row]),
        _column([score.pair_score for row in against_negative for score in row]),
        _column([score.text_score for row in against_positive for score in row]),
        _column([score.text_score for row in negatives for score in row]),
    )


def draw(verifier: OnnxVerifier, sets: CandidateTexts, folder: Path, language: Language = "en") -> list[Path]:
    """Draw both figures into a folder, each as SVG and PNG.

    Returns:
        The SVG files.

    Raises:
        DataError: The file has no contrastive lists.
        MissingExtraError: matplotlib or a font is missing.
    """
    found = similarities(verifier, sets)
    thresholds = verifier.thresholds
    figures = {
        "figure2": roc_figure(found, language=language),
        "figure3": similarity_histograms(
            found,
            text_threshold=thresholds.text_threshold,
            pair_thresholds=thresholds.pair_thresholds,
            language=language,
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    return [save(figure, folder / name)[0] for name, figure in figures.items()]


def _column(values: list[float | None]) -> Floats:
    return np.asarray([value for value in values if value is not None], dtype=np.float64)
