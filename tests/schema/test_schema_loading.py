"""Schema files: three formats read, every fault named with file and entry."""

import json

import pytest

from cacre.errors import SchemaError
from cacre.schema import load_schema


def write(tmp_path, content, name="mine.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_own_format(tmp_path):
    entry = {"name": "师父", "subject_type": "人物", "object_type": "人物", "inverses": ["徒弟"], "symmetric": False}
    schema = load_schema(write(tmp_path, {"name": "opera", "relations": [entry]}))
    assert schema.name == "opera"
    assert schema["师父"].inverses == ("徒弟",)


def test_own_format_can_extend_a_built_in_schema(tmp_path):
    entries = [
        {"name": "师父", "subject_type": "人物", "object_type": "人物", "near_misses": ["父亲"]},
        {"name": "导演", "subject_type": "作品", "object_type": "人物"},
    ]
    schema = load_schema(write(tmp_path, {"name": "opera", "extends": "duie", "relations": entries}))
    assert len(schema) == 49
    assert schema["导演"].subject_type == "作品"
    assert "师父" in schema["父亲"].near_misses
    assert "师父" not in load_schema("duie")


DUIE_ROWS = [
    {"subject_type": "人物", "predicate": "师父", "object_type": {"@value": "人物"}},
    {"subject_type": "人物", "predicate": "饰演", "object_type": {"@value": "人物", "inWork": "影视作品"}},
    {"subject_type": "地点", "predicate": "面积", "object_type": "Number"},
]


@pytest.mark.parametrize("lines", [True, False])
def test_duie_schema_as_lines_and_as_list(tmp_path, lines):
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in DUIE_ROWS) + "\n" if lines else DUIE_ROWS
    schema = load_schema(write(tmp_path, content, "fifty.jsonl"))
    assert schema.name == "fifty"
    assert [relation.name for relation in schema] == ["师父", "饰演", "面积"]
    assert schema["饰演"].slots == {"inWork": "影视作品"}
    assert schema["面积"].object_type == "Number"


def test_a_single_duie_line(tmp_path):
    assert len(load_schema(write(tmp_path, json.dumps(DUIE_ROWS[0], ensure_ascii=False) + "\n"))) == 1


def test_type_triples_merge_the_types_of_a_relation(tmp_path):
    rows = [["人物", "位于", "城市"], ["机构", "位于", "城市"], ["人物", "喜欢", "食品"]]
    schema = load_schema(write(tmp_path, rows))
    assert schema["位于"].subject_type == "人物/机构"
    assert schema["位于"].object_type == "城市"
    assert schema["喜欢"].cues == ("喜欢",)


RELATION = {"name": "师父", "subject_type": "人物", "object_type": "人物"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"name": "x", "relations": [RELATION, {"name": "徒弟", "object_type": "人物"}]},
            r"relations\[1\] \(徒弟\).sub",
        ),
        ({"name": "x", "relations": [{**RELATION, "colour": 1}]}, r"relations\[0\] \(师父\).colour"),
        ({"name": "x", "relations": [{**RELATION, "cues": [""]}]}, r"relations\[0\] \(师父\).cues\[0\]"),
        ({"name": "x", "relations": [RELATION, RELATION]}, "'师父' comes twice"),
        ({"name": "x", "relations": [{**RELATION, "near_misses": ["师叔"]}]}, "near_misses names '师叔'"),
        ({"name": "x", "relations": [], "version": 2}, "version"),
        ({"name": "x", "relations": []}, "has no relations"),
        ({"name": "x", "extends": "wikidata", "relations": []}, "extends='wikidata': allowed are duie, open"),
        ([["人物", "师父"]], "entry 1: got "),
        ([["人物", "师父", "人物"], ["人物", "", "人物"]], "entry 2: relation must be a non-empty string, got ''"),
        ([{"subject_type": "人物", "predicate": "师父"}], "entry 1: object type must be"),
        ([{**DUIE_ROWS[1], "object_type": {"@value": "人物", "inWork": 3}}], "type of slot inWork must be"),
        ("{not json", "not valid JSON"),
        ('{"subject_type": "a"}\n{oops\n', r"mine.json:2: not valid JSON"),
        ("", "not valid JSON"),
        ("[]", "has no relations"),
        ("3", "entry 1: got 3"),
    ],
)
def test_faults_name_file_and_entry(tmp_path, content, message):
    with pytest.raises(SchemaError, match=message) as caught:
        load_schema(write(tmp_path, content))
    assert "mine.json" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, r"odd\.json: nested too deeply to be a schema; allowed are"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"name": "x", "relations": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('["A", "b", "C"]\n' + "[" * 100_000, r"odd\.json:2: nested too deeply"),
        ("[" * 900 + "]" * 900, "entry 1: got"),
        ('{"name": "x", "relations": ' + "[" * 900 + "]" * 900 + "}", r"relations\[0\]"),
        ("9" * 5_000, r"odd\.json: a number cannot be read"),
    ],
)
def test_what_nests_too_deeply_is_refused_with_a_reason(tmp_path, content, message):
    (tmp_path / "odd.json").write_text(content, encoding="utf-8")
    with pytest.raises(SchemaError, match=message):
        load_schema(tmp_path / "odd.json")


def test_a_missing_file_names_the_built_in_schemas(tmp_path):
    with pytest.raises(SchemaError, match="neither a built-in schema \\(duie, open\\) nor a readable file"):
        load_schema(tmp_path / "nowhere.json")


def test_a_file_of_another_encoding_is_refused(tmp_path):
    path = tmp_path / "gbk.json"
    path.write_bytes("关系".encode("gbk"))
    with pytest.raises(SchemaError, match="not UTF-8"):
        load_schema(path)
