"""The report: what it says is what was measured, nothing from the data becomes markup, and it loads nothing."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from cacre.errors import DataError
from cacre.evaluation import report
from cacre.evaluation.figure_style import as_svg
from cacre.evaluation.report import SOURCES, ReportSource, make_report
from cacre.evaluation.report_figures import inline_svg
from cacre.evaluation.report_qualities import Estimate, qualities
from cacre.evaluation.report_tables import align, compare_rates, verdicts_of
from cacre.evaluation.verifier_metrics import measure
from cacre.inference.thresholds import Thresholds
from labelled_verdicts import EVIL, reading, rows_of

VOID = {"meta", "br", "hr"}
HISTORY = ({"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0, "eval_text_auc": 0.7})


def source_of(found, rows=None, **more):
    return ReportSource(
        **{
            "title": "T",
            "facts": {"verdicts": "all.jsonl"},
            "table": found.table,
            "candidates": align(found, rows or rows_of(found)),
            "measured": measure(found.table, resamples=20),
            "thresholds": Thresholds(0.45, {"schema": 0.4, "paraphrase": -1.0}),
            "history": HISTORY,
            "resamples": 50,
            **more,
        }
    )


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are closed in order."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.attributes, self.strings = [], [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.strings.append(" ")
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.strings.append(" ")
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.strings.append(data)

    @property
    def text(self):
        return " ".join("".join(self.strings).split())


@pytest.fixture(scope="module")
def page():
    return make_report(source_of(reading())).page


def test_data_never_becomes_markup(monkeypatch):
    monkeypatch.setattr(report, "draw_figures", lambda _: ([], [EVIL]))
    found = reading(texts=6, evil=True)
    rows = rows_of(found, reason=EVIL)
    source = make_report(source_of(found, rows, title=EVIL, facts={EVIL: EVIL}, history=())).page
    parsed = Page(source)
    assert "script" not in parsed.tags
    assert "<script" not in source
    assert parsed.open == []
    assert parsed.text.count(" ".join(EVIL.split())) >= 10  # all there, as text; templates in the data are not run
    assert not [value for _, value in parsed.attributes if value and "alert" in value]


def test_the_page_loads_nothing_and_its_ids_are_its_own(page):
    parsed = Page(page)
    assert not {"script", "link", "img", "image", "iframe", "form", "a"} & set(parsed.tags)
    names = [name for name, _ in parsed.attributes]
    assert not [name for name in names if name in ("src", "srcset") or name.startswith("on") or ":" in name]
    targets = [value for name, value in parsed.attributes if name == "href"]
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert targets
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    assert all(target.startswith("#") for target in targets)
    assert {ref for _, value in parsed.attributes if value for ref in re.findall(r"url\(#([^)]*)\)", value)} <= set(ids)
    assert len(set(ids)) == len(ids)
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    assert "default-src 'none'" in page


def test_all_six_figures_with_how_to_read_them(page):
    parsed = Page(page)
    assert parsed.tags.count("figure") == parsed.tags.count("figcaption") == parsed.tags.count("svg") == 6
    assert next(value for name, value in parsed.attributes if name == "aria-label") in parsed.text
    assert "currentColor" in page
    assert "#1d2125" not in page.split("</style>", 1)[1].lower()


@pytest.mark.parametrize("source", list(SOURCES))
def test_the_page_says_who_labelled_and_what_to_beware_of(source, monkeypatch):
    monkeypatch.setattr(report, "draw_figures", lambda _: ([], ["none drawn"]))  # drawing takes most of the time
    found = reading(texts=10, source=source)
    text = Page(make_report(source_of(found, history=())).page).text
    assert SOURCES[source][2] in text
    assert ("Gold is incomplete" in text) == (source == "gold")
    assert "all.jsonl" in text
    assert "50 resamples" in text


def test_of_few_texts_the_page_has_no_intervals(monkeypatch):
    monkeypatch.setattr(report, "draw_figures", lambda _: ([], ["none drawn"]))
    found = reading(texts=9)
    page = make_report(source_of(found, history=(), measured=measure(found.table, resamples=0))).page
    text = Page(page).text
    assert "no intervals: they come from drawing texts anew, of 10 or more; here: 9" in text
    assert not re.search(r"[\d.]+ to [+-]?[\d.]+", text)
    assert 'class="up"' not in page
    assert 'class="down"' not in page


def test_the_numbers_on_the_page_are_those_measured(page):
    found = reading()
    kept = verdicts_of(align(found, rows_of(found)))
    rates = compare_rates(found.table, kept, resamples=50)
    text = Page(page).text
    for rate in rates.rates:
        before, after = (f"{value * 100:.1f}" for value in (rate.before, rate.after))
        assert re.search(rf"{rate.name} {before} [\d.]+ to [\d.]+ {after} .* \{rate.change * 100:+.1f} ", text)
    auc = measure(found.table, resamples=20)["scores"]["text_score"]["auc"]
    assert f"{auc['value']:.3f} {auc['interval'][0]:.3f} to {auc['interval'][1]:.3f}" in text
    wrong = int((kept & ~found.table.labels).sum())
    assert f"swap subject and object the wrong way round 24 {24 - wrong}" in text


def test_qualities_of_columns_that_exist():
    table = reading().table
    found = qualities(measure(table, resamples=20))
    assert found.columns == ("text_score", "pair_score", "probability")
    rows = {row.name: row.cells for row in found.rows}
    assert isinstance(rows["AUC"][0], Estimate)
    assert rows["Brier score"][:2] == (None, None)
    assert rows["best F1"][1] is None  # not every candidate has a pair score
    bare = replace(table, probability=np.full(len(table), np.nan), pair_score=np.full(len(table), np.nan))
    assert qualities(measure(bare, resamples=0)).columns == ("text_score",)
    assert "Brier score" not in [row.name for row in qualities(measure(bare, resamples=0)).rows]


def test_a_report_of_right_candidates_alone_says_what_is_missing():
    found = reading(texts=3)
    table = found.table.where(found.table.labels)
    chosen = [triple for triple, right in zip(found.triples, found.table.labels, strict=True) if right]
    text = Page(
        make_report(source_of(replace(found, table=table, triples=chosen), rows_of(found), history=())).page
    ).text
    assert "Not drawn: “How training went”, because no training log was given." in text
    assert text.count("because all candidates have the same label") == 3
    assert "Wrong, but kept None." in text


def test_candidates_without_their_verdicts_are_refused():
    found = reading(texts=2)
    source = source_of(found)
    with pytest.raises(DataError, match="8 and 7"):
        make_report(replace(source, candidates=source.candidates[1:]))


def test_an_inlined_figure_keeps_its_text_and_escapes_its_label():
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, "<b>&amp;", color="#1D2125")
    markup = inline_svg(as_svg(figure), "one", EVIL)
    assert "&lt;b&gt;&amp;amp;" in markup
    assert markup.startswith('<svg role="img" aria-label="&lt;script&gt;')
    assert 'id="one-figure_1"' in markup
    assert "xmlns" not in markup
    assert "fill: currentColor" in markup
