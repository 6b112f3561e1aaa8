"""JSON schemas of answers keep to strict mode and name the relations of the schema."""

import json

import pytest

from cacre.errors import ConfigError
from cacre.extraction.response_schema import answer_schema, judge_schema
from cacre.schema import RelationType, load_schema

RELATIONS = (RelationType("导演", "影视作品", "人物"), RelationType("主演", "影视作品", "人物"))
ALL = [
    answer_schema(kind, load_schema("open"), types=types)
    for kind in ("triples", "contrastive")
    for types in (True, False)
]


def objects(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)


@pytest.mark.parametrize("schema", [*ALL, judge_schema()])
def test_strict_mode(schema):
    assert json.loads(json.dumps(schema)) == schema and schema["type"] == "object"
    found = list(objects(schema))
    assert len(found) >= 2
    for entry in found:
        assert entry["additionalProperties"] is False and entry["required"] == list(entry["properties"])


def test_triples_name_the_relations():
    item = answer_schema("triples", RELATIONS, types=False)["properties"]["triples"]["items"]
    assert list(item["properties"]) == ["subject", "predicate", "object"]
    assert item["properties"]["predicate"] == {"type": "string", "enum": ["导演", "主演"]}


def test_positives_may_use_other_words():
    lists = answer_schema("contrastive", RELATIONS, types=False)["properties"]
    predicates = {name: entry["items"]["properties"]["predicate"] for name, entry in lists.items()}
    assert predicates == {
        "anchors": {"type": "string", "enum": ["导演", "主演"]},
        "positives": {"type": "string"},
        "negatives": {"type": "string", "enum": ["导演", "主演"]},
    }


def test_types_are_asked_for_in_each_list():
    for entry in answer_schema("contrastive", RELATIONS, types=True)["properties"].values():
        assert list(entry["items"]["properties"])[3:] == ["subject_type", "object_type"]


def test_a_judgement_has_numbers_and_verdicts():
    verdict = judge_schema()["properties"]["verdicts"]["items"]["properties"]
    assert verdict == {"number": {"type": "integer"}, "supported": {"type": "boolean"}}


def test_names_stand_once_and_there_must_be_one():
    item = answer_schema("triples", RELATIONS * 2, types=False)["properties"]["triples"]["items"]
    assert item["properties"]["predicate"]["enum"] == ["导演", "主演"]
    with pytest.raises(ConfigError, match="at least one"):
        answer_schema("triples", (), types=False)
