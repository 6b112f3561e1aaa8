"""DuIE rows go in and come out the same, slots and all."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.data import dump_row
from cacre.data.duie import DuieText, facts_of, flatten, read_duie
from cacre.errors import DataError, SchemaError
from cacre.schema import RelationType, Schema
from cacre.types import Triple

VOICE = {
    "predicate": "配音",
    "subject_type": "娱乐人物",
    "object_type": {"inWork": "影视作品", "@value": "人物"},
    "subject": "周岩",
    "object": {"inWork": "长夜", "@value": "阿灯"},
}
PLAIN = {
    "predicate": "导演",
    "subject_type": "影视作品",
    "object_type": {"@value": "人物"},
    "subject": "长夜",
    "object": {"@value": "李默"},
}
ROW = {"text": "《长夜》由李默执导，周岩给阿灯配音。", "spo_list": [VOICE, PLAIN]}


def read(path, *rows):
    path.write_text("".join(dump_row(row) for row in rows), encoding="utf-8")
    return list(read_duie(path))


def test_slots_and_types_are_kept(tmp_path):
    (text,) = read(tmp_path / "d.jsonl", ROW)
    voice, plain = text.facts
    assert voice.triple == Triple("周岩", "配音", "阿灯")
    assert (voice.slots, voice.slot_types, voice.object_type) == ({"inWork": "长夜"}, {"inWork": "影视作品"}, "人物")
    assert (plain.slots, plain.slot_types) == ({}, {})
    assert text.triples == (Triple("周岩", "配音", "阿灯"), Triple("长夜", "导演", "李默"))
    assert text.to_dict() == ROW


def test_the_flat_variant_comes_out_in_duie_form(tmp_path):
    flat = {"text": "甲", "triples": [{**PLAIN, "object": "李默", "object_type": "人物"}], "page": 1}
    (text,) = read(tmp_path / "d.jsonl", flat)
    assert text.to_dict() == {"text": "甲", "spo_list": [PLAIN], "page": 1}


def test_entries_that_differ_in_slots_are_one_triple(tmp_path):
    other = {**VOICE, "object": {"@value": "阿灯", "inWork": "长夜续集"}}
    (text,) = read(tmp_path / "d.jsonl", {"text": "甲", "spo_list": [VOICE, other]})
    assert len(text.facts) == 2
    assert flatten(text.facts) == (Triple("周岩", "配音", "阿灯"),)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"object": {"inWork": "长夜"}}, "spo_list[0].object"),
        ({"object": {"@value": 1}}, "spo_list[0].object"),
        ({"object": {"@value": ""}}, "spo_list[0].object"),
        ({"object": ["李默"]}, "spo_list[0].object"),
        ({"subject": None}, "spo_list[0].subject"),
    ],
)
def test_bad_entries_are_named(tmp_path, change, field):
    with pytest.raises(DataError) as caught:
        read(tmp_path / "d.jsonl", {"text": "甲", "spo_list": [{**PLAIN, **change}]})
    assert caught.value.field == field


def test_a_row_without_a_list_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path / "d.jsonl", {"text": "甲"})
    assert caught.value.field == "spo_list"


def test_flat_triples_get_the_types_of_the_schema():
    schema = Schema.of("small", [RelationType("导演", "影视作品", "人物")])
    facts = facts_of([Triple("长夜", "导演", "李默")], schema)
    assert DuieText("甲", facts).to_dict() == {"text": "甲", "spo_list": [PLAIN]}
    with pytest.raises(SchemaError, match="'编剧' is not in the schema"):
        facts_of([Triple("长夜", "编剧", "李默")], schema)


words = st.text("甲乙丙《》a ", min_size=1, max_size=5).filter(str.strip)
slots = st.fixed_dictionaries({"@value": words}, optional={"inWork": words, "inArea": words})
entries = st.fixed_dictionaries(
    {"subject": words, "predicate": words, "object": slots, "subject_type": words, "object_type": slots},
    optional={"note": st.integers()},
)
rows = st.fixed_dictionaries({"text": words, "spo_list": st.lists(entries, max_size=4)}, optional={"id": words})


@settings(max_examples=25)
@given(rows)
def test_round_trip(tmp_path_factory, row):
    path = tmp_path_factory.getbasetemp() / "duie.jsonl"
    (text,) = read(path, row)
    assert json.loads(dump_row(text.to_dict())) == row
