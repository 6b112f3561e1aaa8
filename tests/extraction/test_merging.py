"""Samples, gleanings and windows become one list of candidates."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.data.rows import parse_row
from cacre.errors import ConfigError, DataError
from cacre.extraction.merging import Found, merge_candidates
from cacre.extraction.values import SaidTriple, Window
from cacre.schema import RelationType, Schema
from cacre.types import Triple

TEXT = "《雾中渡》由林知远执导，顾青禾编剧。多年以后，林知远又执导了《潮声》。"
WHOLE = Window(0, TEXT)
HALF = TEXT.index("多年")
FIRST, SECOND = Window(0, TEXT[:HALF]), Window(HALF - 7, TEXT[HALF - 7 :])
SCHEMA = Schema.of("films", [RelationType("导演", "影视作品", "人物", synonyms=("执导者",))])


def found(*triple, sample=0, window=WHOLE, gleaned=False, paraphrase=None, **said):
    again = None if paraphrase is None else Triple(*paraphrase)
    return Found(SaidTriple(Triple(*triple), **said), sample, window, gleaned, again)


def merged(*items, samples=1, schema=None):
    return merge_candidates(items, TEXT, samples, schema)


def test_a_triple_with_all_that_was_said_about_it():
    [row] = merged(
        found(
            "《雾中渡》",
            "导演",
            "林 知远",
            subject_type="影视作品",
            object_type="人物",
            logprob=-0.25,
            paraphrase=("林知远", "执导作品", "《雾中渡》"),
        )
    )
    assert row == {
        "subject": "雾中渡",
        "predicate": "导演",
        "object": "林知远",
        "subject_type": "影视作品",
        "object_type": "人物",
        "paraphrase": ["林知远", "执导作品", "雾中渡"],
        "mentions": {"subject": [1, 4], "object": [6, 9]},
        "logprob": -0.25,
    }


def test_what_is_not_in_the_text_is_said_and_kept_as_it_was():
    [row] = merged(found("《远山》", "导演", "林知远"))
    assert row["subject"] == "《远山》"
    assert row["mentions"] == {"subject": None, "object": [6, 9]}
    assert row["not_in_text"] == ["subject"]


def test_samples_that_agree():
    rows = merged(
        found("雾中渡", "编剧", "顾青禾", sample=2, subject_type="影视作品", logprob=-1.0),
        found("雾中渡", "导演", "林知远", sample=1),
        found("《雾中渡》", "编剧", "顾青禾", sample=0, logprob=-0.5),
        found("雾中渡", "编剧", "顾青禾", sample=2, window=SECOND),
        samples=3,
    )
    assert [(row["predicate"], row["agreement"]) for row in rows] == [("编剧", 0.6667), ("导演", 0.3333)]
    assert rows[0]["subject_type"] == "影视作品"
    assert rows[0]["logprob"] == -0.75


def test_both_scripts_of_one_triple_are_one():
    said = found("雾中渡", "导演", "林知远"), found("霧中渡", "導演", "林知遠")
    [row] = merged(*said)
    assert (row["subject"], row["predicate"]) == ("雾中渡", "导演")


def test_agreement_is_given_for_several_samples_only():
    assert "agreement" not in merged(found("雾中渡", "导演", "林知远"))[0]


def test_gleaned_only_if_never_said_unasked():
    rows = merged(
        found("雾中渡", "导演", "林知远", sample=0, gleaned=True),
        found("雾中渡", "导演", "林知远", sample=1),
        found("雾中渡", "编剧", "顾青禾", sample=1, gleaned=True),
        samples=2,
    )
    assert [(row["predicate"], row.get("gleaned"), row["agreement"]) for row in rows] == [
        ("导演", None, 1.0),
        ("编剧", True, 0.5),
    ]


def test_offsets_of_a_window_are_those_of_the_whole_text():
    [row] = merged(found("潮声", "导演", "林知远", window=SECOND))
    assert row["mentions"] == {"subject": [TEXT.index("潮声"), TEXT.index("潮声") + 2], "object": [23, 26]}
    assert TEXT[23:26] == "林知远"


def test_an_entity_that_the_window_lacks_is_looked_for_in_the_whole_text():
    [row] = merged(found("潮声", "导演", "顾青禾", window=FIRST))
    assert row["mentions"]["subject"] == [TEXT.index("潮声"), TEXT.index("潮声") + 2]
    assert "not_in_text" not in row


def test_two_windows_that_say_the_same_give_one_row_with_the_first_mention():
    [row] = merged(
        found("潮声", "导演", "林知远", window=SECOND),
        found("潮声", "导演", "林知远", window=FIRST),
        samples=2,
    )
    assert row["mentions"]["object"] == [6, 9]
    assert row["agreement"] == 0.5


def test_a_schema_replaces_synonyms_and_keeps_what_was_said():
    rows = merged(found("雾中渡", "执导者", "林知远"), found("潮声", "监督", "林知远"), schema=SCHEMA)
    assert [(row["predicate"], row.get("predicate_as_said")) for row in rows] == [("导演", "执导者"), ("监督", None)]
    [row] = merged(found("雾中渡", "导演", "林知远"), found("雾中渡", "执导者", "林知远"), schema=SCHEMA)
    assert "predicate_as_said" not in row
    assert len(merged(found("雾中渡", "导演", "林知远"), found("雾中渡", "执导者", "林知远"))) == 2


def test_a_word_with_several_readings_is_left_to_the_verifier():
    schema = Schema.of(
        "films",
        [
            RelationType("导演", "影视作品", "人物", synonyms=("执导",), inverses=("执导", "执导作品")),
            RelationType("主演", "影视作品", "人物", synonyms=("演员",)),
            RelationType("饰演", "人物", "人物", inverses=("演员",)),
        ],
    )
    for said in ("执导", "执导作品", "演员"):
        [row] = merged(found("林知远", said, "雾中渡"), schema=schema)
        assert (row["subject"], row["predicate"], row["object"]) == ("林知远", said, "雾中渡")


def test_a_paraphrase_that_repeats_the_triple_is_none():
    assert "paraphrase" not in merged(found("雾中渡", "导演", "林知远", paraphrase=("《雾中渡》", "导演", "林知远")))[0]
    [row] = merged(found("雾中渡", "执导者", "林知远", paraphrase=("雾中渡", "导演", "林知远")), schema=SCHEMA)
    assert row["paraphrase"] == ["雾中渡", "执导者", "林知远"]
    assert "paraphrase" not in merged(found("雾中渡", "执导者", "林知远"), schema=SCHEMA)[0]


def test_a_log_probability_that_is_no_number_is_left_out():
    assert "logprob" not in merged(found("雾中渡", "导演", "林知远", logprob=-math.inf))[0]


def test_nothing_said_gives_nothing():
    assert merged() == []


@pytest.mark.parametrize(("samples", "sample"), [(0, 0), (2, 2), (1, -1)])
def test_wrong_numbers_of_samples(samples, sample):
    with pytest.raises(ConfigError, match=f"samples={samples}"):
        merged(found("雾中渡", "导演", "林知远", sample=sample), samples=samples)


@pytest.mark.parametrize("window", [Window(1, TEXT), Window(0, "别的"), Window(-1, "。")])
def test_a_window_of_another_text(window):
    with pytest.raises(DataError, match="window at"):
        merged(found("雾中渡", "导演", "林知远", window=window))


ENTITIES = st.sampled_from(["雾中渡", "《雾中渡》", "潮声", "林知远", "林 知远", "顾青禾", "远山"])
SAID = st.builds(
    Found,
    st.builds(
        SaidTriple, st.builds(Triple, ENTITIES, st.sampled_from(["导演", "执导者"]), ENTITIES), logprob=st.none()
    ),
    st.integers(0, 2),
    st.sampled_from([WHOLE, FIRST, SECOND]),
    st.booleans(),
    st.none() | st.builds(Triple, ENTITIES, st.just("执导"), ENTITIES),
)


def place(item):
    return item.window.start, len(item.window.text), item.sample, item.gleaned


@given(st.lists(SAID, max_size=8), st.randoms())
def test_the_order_in_which_answers_came_does_not_matter(said, chance):
    # Windows of one start are one window of the text: keep one.
    said = [item for item in said if item.window is not WHOLE]
    answers = {key: [item for item in said if place(item) == key] for key in map(place, said)}
    keys = list(answers)
    chance.shuffle(keys)
    other = [item for key in keys for item in answers[key]]
    assert merge_candidates(other, TEXT, 3, SCHEMA) == merge_candidates(said, TEXT, 3, SCHEMA)


@given(st.lists(SAID, max_size=8))
def test_rows_are_valid_candidates_with_true_offsets(said):
    rows = merge_candidates(said, TEXT, 3, SCHEMA)
    parse_row(json.loads(json.dumps({"text": TEXT, "triples": rows}, allow_nan=False)), "candidates")
    for row in rows:
        for role, span in row["mentions"].items():
            assert (span is None) == (role in row.get("not_in_text", []))
            assert span is None or TEXT[slice(*span)] == row[role]
        assert 0 < row["agreement"] <= 1
        assert row["predicate"] == "导演"
    keys = [(row["subject"].strip("《》"), row["predicate"], row["object"].strip("《》")) for row in rows]
    assert len(set(keys)) == len(keys)
    assert bool(rows) == bool(said)
