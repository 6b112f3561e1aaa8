"""The page: nothing from the data becomes markup, nothing is loaded, and it says what the rows say."""

from html.parser import HTMLParser

import pytest

from cacre.errors import DataError
from cacre.evaluation.page import render_page
from cacre.inference import Thresholds
from cacre.schema import load_schema

EVIL = """<script>alert("x")</script>'"&{{ 7*7 }}{% raw %}"""
VOID = {"meta", "input", "link", "br", "hr", "img"}
SCHEMA = load_schema("duie")
THRESHOLDS = Thresholds(0.25, {"paraphrase": 0.5, "schema": 0.75})


class Page(HTMLParser):
    """Collects tags, attributes and the text inside each class, and checks that tags are closed in order."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.attributes, self.marks, self.strings = [], [], [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.part(tag)
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.part(tag)

    def part(self, tag):
        """A reader sees a gap between elements, but none around marked characters."""
        if tag != "mark":
            self.strings.append(" ")

    def handle_data(self, data):
        if "style" not in self.open:
            self.strings.append(data)
        if "mark" in self.open:
            self.marks.append(data)

    @property
    def text(self):
        return " ".join("".join(self.strings).split())


def triple(object_="林知远", verdict="supported", **more):
    return {
        "subject": "雾中渡",
        "predicate": "导演",
        "object": object_,
        "verdict": verdict,
        "text_score": 0.5,
        "pair_score": None,
        "probability": None,
        "evidence": [],
        **more,
    }


def row(*triples, text="《雾中渡》由林知远执导。", **more):
    return {"text": text, "triples": list(triples), **more}


def render(*rows, **more):
    return render_page(rows, **{"title": "T", "thresholds": THRESHOLDS, "schema": SCHEMA, **more})


def test_data_never_becomes_markup():
    wrong = triple(EVIL, "rejected", subject=EVIL, predicate=EVIL, reason=EVIL, label={"supported": 0, "kind": EVIL})
    wrong["evidence"] = [[0, 30], [2, 10]]
    source = render(row(wrong, text=EVIL * 3, id=EVIL, gold=[[EVIL, EVIL, EVIL]]), title=EVIL, lead=EVIL)
    page = Page(source)
    assert "script" not in page.tags
    assert "<script" not in source
    assert page.open == []
    # It is all there, as text; and templates in the data are not run.
    assert page.text.count("""<script>alert("x")</script>'"&{{ 7*7 }}{% raw %}""") >= 9
    assert not [value for _, value in page.attributes if value and "alert" in value]


def test_the_page_loads_nothing():
    source = render(row(triple()))
    page = Page(source)
    assert not {"script", "link", "img", "iframe", "form", "a"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "srcset") or name.startswith("on")]
    assert "url(" not in source
    assert "@import" not in source
    assert "http:" not in source
    assert "https:" not in source
    assert "default-src 'none'" in source


def test_evidence_is_marked_in_the_text_and_beside_the_triple():
    source = render(row(triple(evidence=[[6, 9], [1, 4]]), triple("无", "rejected", reason="r", evidence=[[9, 11]])))
    # Once in the text, with kept triples only, once beside each triple; the first mark is the legend's.
    assert Page(source).marks == ["Marked", "雾中渡", "林知远", "雾中渡", "林知远", "执导"]


def test_scores_stand_beside_the_threshold_that_applied():
    said = triple(pair_score=0.6, probability=0.875, paraphrase=["林知远", "掌镜", "雾中渡"])
    text = Page(render(row(said))).text
    assert "text_score 0.500 needs 0.250" in text
    assert "pair_score 0.600 needs 0.500 · paraphrase" in text
    assert "probability 0.875" in text
    made = Page(render(row(triple(pair_score=0.6)))).text
    assert "pair_score 0.600 needs 0.750 · schema" in made


def test_absent_scores_and_thresholds_that_are_off():
    text = Page(render(row(triple(text_score=None)), thresholds=Thresholds(-1.0))).text
    assert "text_score — not scored" in text
    assert "pair_score — nothing to compare with" in text
    assert "text_score needs nothing: its threshold is off" in text
    assert "text_score 0.500 no threshold" in Page(render(row(triple()), thresholds=Thresholds(-1.0))).text


def test_verdicts_against_their_labels():
    no, yes = {"supported": 0, "kind": "swap"}, {"supported": 1, "kind": None}
    source = render(
        row(
            triple("甲", label=yes),
            triple("乙", label=no),
            triple("丙", "rejected", reason="r", label=yes),
            triple("丁", "rejected", reason="r", label=no),
        )
    )
    text = Page(source).text
    assert "甲 right" in text
    assert "乙 missed: it is wrong, planted: swap" in text
    assert "丙 mistake: it is correct" in text
    assert "丁 right, planted: swap" in text
    assert source.count('class="triple kept miss"') == source.count('class="triple rejected miss"') == 1
    assert "wrong verdicts 2" in text


def test_what_rows_do_not_have_is_not_shown():
    text = Page(render(row(triple()))).text
    assert "Before and after" not in text
    assert "Which errors" not in text
    assert "wrong verdicts" not in text
    assert "right" not in text


def test_scores_before_and_after():
    gold = [["雾中渡", "导演", "林知远"]]
    text = Page(render(row(triple(), triple("无", "rejected", reason="r"), gold=gold))).text
    assert "all candidates 50.0 100.0 66.7 1 2 1 kept by cacre 100.0 100.0 100.0 1 1 1" in text
    assert "change +50.0 +0.0 +33.3 +0 -1" in text


def test_no_rows_and_no_triples():
    assert "0 texts" in Page(render()).text
    assert "no candidates" in Page(render(row())).text


def test_rows_without_verdicts_are_refused():
    with pytest.raises(DataError, match=r"rows\[0\]"):
        render({"text": "甲", "triples": [{"subject": "甲", "predicate": "导演", "object": "乙"}]})
