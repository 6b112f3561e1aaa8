"""The figures show the numbers they are given, in both languages, without a missing glyph (warnings are errors)."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import font_manager

from cacre.errors import ConfigError, DataError, MissingExtraError
from cacre.evaluation import figure_style
from cacre.evaluation.curves import false_positives_removed_at_tpr, risk_coverage_curve, roc_auc, roc_curve
from cacre.evaluation.figure_data import Similarities, read_history, threshold_surface
from cacre.evaluation.figure_style import LATIN_FONT, as_svg, chinese_font
from cacre.evaluation.figure_words import WORDS
from cacre.evaluation.figures import (
    reliability_figure,
    risk_coverage_figure,
    roc_figure,
    save,
    similarity_histograms,
    threshold_surface_figure,
    training_curves_figure,
)
from cacre.evaluation.score_table import ScoreTable

GENERATOR = np.random.default_rng(5)
SIMILARITIES = Similarities(
    anchor_positive=GENERATOR.beta(9, 1, 60),
    anchor_negative=GENERATOR.beta(3, 2, 50),
    text_positive=GENERATOR.beta(8, 2, 70),
    text_negative=GENERATOR.beta(2, 3, 40) - 0.3,
)
HISTORY = [
    {"step": 10, "loss": 2.0, "epoch": 0.5},
    {"step": 20, "loss": 1.0, "epoch": 1.0},
    {"step": 20, "eval_text_auc": 0.7, "eval_anchor_auc": 0.8, "eval_mean_auc": 0.75},
    {"step": 20, "train_loss": 1.5, "train_runtime": 3.0},
]


def table(size=80, seed=3):
    generator = np.random.default_rng(seed)
    labels = generator.random(size) < 0.6
    pair = np.clip(generator.normal(0.5 + 0.2 * labels, 0.2), -1, 1)
    pair[::5] = np.nan
    return ScoreTable(
        label_source="support",
        text=np.arange(size) // 4,
        labels=labels,
        text_score=np.clip(generator.normal(0.4 + 0.3 * labels, 0.2), -1, 1),
        pair_score=pair,
        strategy=[None if np.isnan(score) else "schema" for score in pair],
        relation=["导演"] * size,
        text_length=np.full(size, 30),
        missed_gold=np.arange(-(-size // 4)) % 2,
        probability=np.clip(generator.normal(0.4 + 0.3 * labels, 0.2), 0, 1),
        agreement=np.full(size, np.nan),
        error_kind=[None] * size,
        seen=np.full(size, np.nan),
    )


def all_figures(language):
    rows = table()
    curve = risk_coverage_curve(rows.labels, rows.text_score)
    curves = {"text_score": (curve.coverage, curve.risk)}
    return {
        "roc": roc_figure(SIMILARITIES, language=language),
        "similarities": similarity_histograms(
            SIMILARITIES, text_threshold=0.5, pair_thresholds={"schema": 0.7}, language=language
        ),
        "surface": threshold_surface_figure(threshold_surface(rows, 20), fitted={"内": (0.5, 0.6)}, language=language),
        "risk": risk_coverage_figure(curves, unfiltered=0.4, language=language),
        "reliability": reliability_figure(rows.labels, rows.probability, language=language),
        "training": training_curves_figure(HISTORY, language=language),
    }


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["text ROC: AUC", "anchor–positive", "spaced by rank", "coverage", "perfect calibration", "AUC on dev"]),
        ("zh", ["文本 ROC：AUC", "锚点–正例", "按名次等距", "覆盖率", "理想校准", "开发集 AUC"]),
    ],
)
def test_every_figure_has_its_words(language, said):
    for figure, words in zip(all_figures(language).values(), said, strict=True):
        assert words in as_svg(figure)


def test_both_fonts_together_have_every_character_of_every_label():
    known = set()
    for family in (LATIN_FONT, chinese_font()):
        font = font_manager.get_font(font_manager.findfont(family, fallback_to_default=False))
        known |= set(font.get_charmap())
    missing = {letter for pair in WORDS.values() for words in pair for letter in words if ord(letter) not in known}
    assert not missing


def test_a_label_that_no_font_has_is_noticed():
    figure = risk_coverage_figure({"\ue123": ([0.5, 1.0], [0.1, 0.2])}, unfiltered=0.2)
    with pytest.warns(UserWarning, match="missing from"):
        as_svg(figure)


def test_chinese_without_a_font_is_refused_and_english_is_not(monkeypatch):
    monkeypatch.setattr(figure_style, "chinese_font", lambda: None)
    with pytest.raises(MissingExtraError, match=r"cacre\[eval\]"):
        training_curves_figure(HISTORY, language="zh")
    assert "training loss" in as_svg(training_curves_figure(HISTORY))


def test_the_font_of_the_package_stands_in_where_the_system_has_none(tmp_path, monkeypatch):
    package = tmp_path / "made_up_fonts"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(font_manager.findfont(LATIN_FONT), package / figure_style.FONT_FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(figure_style, "FONT_PACKAGE", "made_up_fonts")
    monkeypatch.setattr(figure_style, "CJK_FONTS", ())
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    figure_style._packaged_font.cache_clear()
    try:
        assert chinese_font() == figure_style.FONT_FAMILY
        assert font_manager.fontManager.ttflist[-1].fname == str(package / figure_style.FONT_FILE)
    finally:
        figure_style._packaged_font.cache_clear()


def test_matplotlib_is_optional_and_only_loaded_for_a_figure(monkeypatch):
    source = "import sys, cacre.evaluation.figures as _; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"'matplotlib'.*cacre\[eval\]"):
        training_curves_figure(HISTORY)


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="'de'"):
        roc_figure(SIMILARITIES, language="de")


def test_the_same_figure_gives_the_same_file_whatever_was_drawn_before():
    first = as_svg(roc_figure(SIMILARITIES))
    training_curves_figure(HISTORY)
    assert as_svg(roc_figure(SIMILARITIES)) == first


def test_both_files_are_written_into_a_new_folder_and_nothing_else(tmp_path):
    path = tmp_path / "deep" / "name.v1.png"
    vector, pixels = save(training_curves_figure(HISTORY, language="zh"), path)
    assert (vector, pixels) == (tmp_path / "deep" / "name.v1.svg", path)
    assert "训练损失" in vector.read_text(encoding="utf-8")
    assert pixels.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.parent.iterdir()) == [pixels, vector]


def test_roc_curves_areas_and_operating_points():
    (axes,) = roc_figure(SIMILARITIES).axes
    labels, scores = SIMILARITIES.labelled("text")
    curve = roc_curve(labels, scores)
    drawn = axes.lines[2].get_xydata()
    np.testing.assert_allclose(drawn, np.stack([curve.false_positive_rate, curve.true_positive_rate], axis=1))
    removed = false_positives_removed_at_tpr(labels, scores)
    np.testing.assert_allclose(axes.lines[3].get_xydata(), [[1 - removed, 0.974]])
    said = [text.get_text() for text in axes.get_legend().get_texts()]
    assert said[1].startswith(f"text ROC: AUC {roc_auc(labels, scores):.3f}")
    assert f"removes {removed:.0%} of wrong at TPR 0.974" in said[1]


def test_an_roc_curve_without_both_kinds_is_left_out():
    none = np.zeros(0)
    only_text = Similarities(none, none, SIMILARITIES.text_positive, SIMILARITIES.text_negative)
    (axes,) = roc_figure(only_text).axes
    assert [text.get_text()[:8] for text in axes.get_legend().get_texts()] == ["text ROC"]
    with pytest.raises(DataError, match="positive and negative"):
        roc_figure(Similarities(none, none, SIMILARITIES.text_positive, none))


def test_histograms_count_each_pair_once_in_shared_bins():
    figure = similarity_histograms(
        SIMILARITIES, text_threshold=0.5, pair_thresholds={"schema": 0.6, "paraphrase": 0.7}, bins=12
    )
    heights = [[patch.get_height() for patch in axes.patches] for axes in figure.axes]
    assert [sum(row) for row in heights] == [60, 50, 70, 40]
    edges = [[round(patch.get_x(), 9) for patch in axes.patches] for axes in figure.axes]
    assert edges[0] == edges[1] == edges[2] == edges[3]
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 1, 1]
    assert figure.axes[3].lines[0].get_xdata() == [0.5, 0.5]
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == [
        "threshold 0.600 (schema)",
        "threshold 0.700 (paraphrase)",
    ]


def test_histograms_with_an_empty_kind_and_with_nothing():
    none = np.zeros(0)
    assert "n = 0" in as_svg(similarity_histograms(Similarities(none, none, np.ones(3), none)))
    with pytest.raises(DataError, match="at least one"):
        similarity_histograms(Similarities(none, none, none, none))


def test_similarities_of_a_table_leave_out_what_has_no_score():
    rows = table()
    found = Similarities.of_table(rows)
    assert len(found.anchor_positive) + len(found.anchor_negative) == int(np.isfinite(rows.pair_score).sum())
    np.testing.assert_array_equal(found.text_negative, rows.text_score[~rows.labels])


@pytest.mark.parametrize("seed", range(3))
def test_the_surface_is_the_f1_of_keeping_what_passes_both_thresholds(seed):
    rows = table(seed=seed)
    surface = threshold_surface(rows, 9)
    for place in [(0, 0), (3, 5), (8, 8), (8, 0)]:
        tau_1, tau_2 = surface.text_thresholds[place[0]], surface.pair_thresholds[place[1]]
        kept = (rows.text_score >= tau_1) & ~(rows.pair_score < tau_2)
        right = int((kept & rows.labels).sum())
        gold = int(rows.labels.sum() + rows.missed_gold.sum())
        assert surface.f1[place] == pytest.approx(2 * right / (kept.sum() + gold))
    assert surface.f1[0, 0] == pytest.approx(surface.unfiltered)
    assert surface.place(*surface.best) == np.unravel_index(surface.f1.argmax(), surface.f1.shape)
    assert surface.place(-1.0, 2.0) == (0.0, 8.0)


def test_a_surface_that_cannot_be_drawn_is_refused():
    rows = table()
    with pytest.raises(DataError, match="0 right"):
        threshold_surface(rows.where(~rows.labels))
    with pytest.raises(DataError, match="0 pair scores"):
        threshold_surface(rows.where(np.isnan(rows.pair_score)))
    with pytest.raises(ConfigError, match="got 1"):
        threshold_surface(rows, 1)


def test_a_flat_surface_is_drawn():
    rows = table().where(np.arange(80) == 1)
    surface = threshold_surface(rows if rows.labels[0] else table(seed=4).where(np.arange(80) == 1))
    assert surface.f1.min() == 0 or surface.f1.min() == surface.f1.max()
    assert "F1" in as_svg(threshold_surface_figure(surface))


def test_reliability_counts_stand_on_the_bars():
    rows = table()
    figure = reliability_figure(rows.labels, rows.probability, bins=5)
    counts, _ = np.histogram(rows.probability, np.linspace(0, 1, 6))
    assert [patch.get_height() for patch in figure.axes[1].patches] == counts.tolist()
    assert [text.get_text() for text in figure.axes[1].texts] == [str(count) for count in counts]
    assert len(figure.axes[0].lines[1].get_xdata()) == int((counts > 0).sum())


def test_a_risk_figure_without_curves_is_refused():
    with pytest.raises(DataError, match="at least one curve"):
        risk_coverage_figure({}, unfiltered=0.1)


def test_training_curves_of_runs_with_and_without_dev_scores():
    figure = training_curves_figure(HISTORY)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xydata(), [[10, 2.0], [20, 1.0]])
    assert [line.get_ydata().tolist() for line in figure.axes[1].lines] == [[0.7], [0.8], [0.75]]
    assert len(training_curves_figure(HISTORY[:2]).axes) == 1
    with pytest.raises(DataError, match="history"):
        training_curves_figure(HISTORY[2:])


@pytest.mark.parametrize("key", ["history", "log", "log_history"])
def test_training_logs_of_each_file(tmp_path, key):
    (tmp_path / "log.json").write_text(json.dumps({"other": 1, key: HISTORY}), encoding="utf-8")
    assert read_history(tmp_path / "log.json") == HISTORY


@pytest.mark.parametrize("content", ["", "[]", '{"history": 3}', '{"history": [1]}'])
def test_files_without_a_log_are_refused(tmp_path, content):
    (tmp_path / "log.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(str(tmp_path))):
        read_history(tmp_path / "log.json")
