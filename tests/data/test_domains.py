import json

import pytest

from cacre.data.domains import load_domains
from cacre.errors import DataError, SchemaError
from cacre.types import Triple

TEXT = "甲线自云州站起，止于雾城站。"
ROW = {
    "text": TEXT,
    "anchors": [["甲线", "起点站", "云州站"]],
    "positives": [["甲线", "始发站", "云州站"]],
    "negatives": [["甲线", "起点站", "雾城站"]],
}
RELATIONS = [
    {
        "name": "起点站",
        "subject_type": "线路",
        "object_type": "车站",
        "synonyms": ["始发站"],
        "near_misses": ["终点站"],
    },
    {"name": "终点站", "subject_type": "线路", "object_type": "车站"},
]


def write(folder, rows=(ROW,), relations=RELATIONS):
    folder.mkdir(parents=True)
    (folder / "schema.json").write_text(json.dumps({"name": folder.name, "relations": relations}), encoding="utf-8")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_each_folder_with_a_schema_is_a_domain(tmp_path):
    write(tmp_path / "railways")
    write(tmp_path / "buses", [ROW, {**ROW, "text": TEXT * 2}])
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").write_text("not a domain", encoding="utf-8")
    buses, railways = load_domains(tmp_path)
    assert (buses.name, railways.name) == ("buses", "railways")
    assert (len(buses.examples), len(railways.examples)) == (2, 1)
    assert railways.examples[0].negatives == (Triple("甲线", "起点站", "雾城站"),)
    assert [relation.name for relation in railways.schema] == ["起点站", "终点站"]


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no folder in it has a schema\.json"):
        load_domains(tmp_path)
    write(tmp_path / "railways", relations=[{"name": "起点站"}])
    with pytest.raises(SchemaError, match=r"railways.*subject_type"):
        load_domains(tmp_path)


def test_a_domain_needs_rows(tmp_path):
    (write(tmp_path / "railways") / "rows.jsonl").unlink()
    with pytest.raises(DataError, match=r"railways.*no \*\.jsonl file"):
        load_domains(tmp_path)
