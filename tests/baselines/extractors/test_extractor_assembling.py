import numpy as np
from extractor_corpus import SCHEMA

from cacre.baselines.extractors.assembling import assemble, candidate_item
from cacre.baselines.extractors.spans import FoundLink, ScoredSpan, pair_spans
from cacre.baselines.extractors.tags import TagSet
from cacre.baselines.extractors.windows import TokenSpan, WindowMaker
from cacre.data import parse_row
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.types import Triple

TAGS = TagSet(SCHEMA)


def found(text, *links, length=60):
    """Links given as (subject, tag, object, score), by their first occurrence, in the one window of a text."""
    window = WindowMaker(build_character_tokenizer([text], min_count=1), length, 0).windows(text)[0]
    spans = {
        name: window.tokens_of((text.index(name), text.index(name) + len(name)))
        for s, _, o, _ in links
        for name in (s, o)
    }
    return window, [FoundLink(spans[s], TAGS.names.index(tag), spans[o], score) for s, tag, o, score in links]


def test_a_start_takes_the_nearest_end_at_or_after_it():
    starts, ends = np.zeros(9), np.zeros(9)
    starts[[1, 4, 8]] = 0.9, 0.6, 0.9
    ends[[1, 5, 7]] = 0.8, 0.7, 0.4
    assert pair_spans(starts, ends, 0.5) == [ScoredSpan(TokenSpan(1, 1), 0.8), ScoredSpan(TokenSpan(4, 5), 0.6)]


def test_each_object_takes_the_slot_nearest_to_it():
    text = "顾在《雾渡》里演沈，在《盐田》里演林"
    links = [("顾", "饰演", part, 0.9) for part in "沈林"] + [
        ("顾", "饰演/inWork", part, 0.9) for part in ("雾渡", "盐田")
    ]
    candidates = assemble(text, [found(text, *links)], TAGS)
    assert [(c.triple.object, c.extra["qualifiers"]) for c in candidates] == [
        ("沈", {"inWork": "雾渡"}),
        ("林", {"inWork": "盐田"}),
    ]
    item = candidate_item(candidates[0])
    assert item["object"] == {"@value": "沈", "inWork": "雾渡"}
    row = parse_row({"text": text, "triples": [dict(item)]}, "candidates")
    assert row.triples[0].triple == Triple("顾", "饰演", "沈")


def test_a_slot_without_an_object_is_no_candidate():
    assert assemble("顾在《雾渡》里", [found("顾在《雾渡》里", ("顾", "饰演/inWork", "雾渡", 0.9))], TAGS) == []


def test_windows_are_united_by_name_and_the_best_score_counts():
    text = "ABC由顾执导，abc由顾"
    first = found(text, ("ABC", "导演", "顾", 0.6))
    second = found(text, ("abc", "导演", "顾", 0.8))
    (candidate,) = assemble(text, [first, second], TAGS)
    assert candidate.triple == Triple("abc", "导演", "顾")
    assert candidate.extra == {"score": 0.8, "mentions": {"subject": [8, 11], "object": [4, 5]}}
    assert (candidate.subject_type, candidate.object_type) == ("影视作品", "人物")


def test_a_type_that_the_schema_leaves_open_is_not_given():
    (candidate,) = assemble("恒澜在望亭", [found("恒澜在望亭", ("恒澜", "总部", "望亭", 0.6))], TAGS)
    assert candidate_item(candidate)["object_type"] == "地点"
    assert "subject_type" not in candidate_item(candidate)
