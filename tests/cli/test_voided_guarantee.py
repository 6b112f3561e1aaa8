"""What a command says where its options void the guarantee of the model it is given."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from cacre.cli import app
from cacre.data import write_rows

TEXT = "《雾中渡》由林知远执导。"


@pytest.fixture
def guaranteed(tiny_folder, tmp_path, monkeypatch):
    """A model with a guarantee given for a schema of one's own."""
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    path = folder / "thresholds.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["fitted_on"] = {"schema": "films", "guarantee": {"precision": 0.8}}
    path.write_text(json.dumps(values), encoding="utf-8")
    own = [{"name": "导演", "subject_type": "影视作品", "object_type": "人物"}]
    (tmp_path / "films.json").write_text(json.dumps({"name": "films", "relations": own}), encoding="utf-8")
    triple = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
    write_rows("rows.jsonl", [{"text": TEXT, "triples": [triple]}])
    return folder


def warnings(folder, *options):
    result = CliRunner().invoke(app, ["filter", "rows.jsonl", "-o", "kept.jsonl", "--model", str(folder), *options])
    assert result.exit_code == 0, result.output
    return [line for line in result.stderr.splitlines() if "guarantees" in line]


def test_under_its_own_conditions_a_guarantee_holds(guaranteed, tiny_folder):
    assert warnings(guaranteed, "--schema", "films.json") == []
    assert warnings(guaranteed, "--schema", "films.json", "--reject-modality", "rumoured,denied") == []
    assert warnings(tiny_folder, "--text-threshold", "0.1") == [], "this one guarantees nothing"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--no-schema-checks",), "--no-schema-checks"),
        (("--no-mention-checks",), "--no-mention-checks"),
        (("--text-threshold", "0.1"), "--text-threshold"),
        (("--pair-threshold", "-1"), "--pair-threshold"),
        (("--reject-modality", "none"), "--reject-modality"),
    ],
)
def test_each_option_that_voids_it_is_named(guaranteed, options, named):
    (line,) = warnings(guaranteed, "--schema", "films.json", *options)
    assert line.startswith("warning: the precision of 0.8 that this model guarantees does not hold with ")
    assert f"with {named}: " in line


def test_another_schema_than_the_one_it_was_given_for(guaranteed):
    for options, name in ((), "duie"), (("--schema", "open"), "open"):
        (line,) = warnings(guaranteed, *options)
        assert f"with the schema '{name}' (it was given for 'films': --schema): " in line
