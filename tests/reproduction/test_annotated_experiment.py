"""An experiment whose training rows are annotated, with a schema of its own: no LLM wrote lists."""

import pytest

from cacre.baselines.evidence_trees import EvidenceTrees
from cacre.data import load_examples, write_rows
from cacre.errors import ConfigError, DataError, SchemaError
from cacre.reproduction.baselines import can_be_told, entries
from cacre.reproduction.candidate_sets import load_candidates
from cacre.reproduction.experiment import CandidateFile, load_experiment
from cacre.reproduction.report import Reproduction
from cacre.reproduction.runs import train_runs
from cacre.schema import RelationType, Schema
from cacre.training.features import with_negatives
from cacre.types import Candidate, Triple

SCHEMA = Schema.of(
    "boats",
    [
        RelationType("builder", "thing", "thing", inverses=("is the builder of",)),
        RelationType("owner", "thing", "thing", inverses=("is the owner of",)),
    ],
)
EXPERIMENT = """
name = "boats"
schema = "schema.json"
train = ["train.jsonl"]
main = "CACRE"
seeds = [1]
resamples = 100
note = "boats only"
[set.encoder]
hidden_size = 16
num_layers = 1
num_heads = 2
intermediate_size = 32
[set.model]
pair_width = 12
attention_heads = 2
projection_size = 8
pattern_head = 0
reader_layers = 1
[set.training]
epochs = 1
batch_size = 8
[splits]
train = "train.jsonl"
[candidates.LLM]
path = "test.jsonl"
[variants.CACRE]
"""
NAMES = ("Ada Pell", "Tib Marsh", "Oda Quill", "Ned Fenn", "Una Voss", "Ivo Lark")


def boats(first, count):
    """Texts with a builder and an owner; gold is complete."""
    for number in range(first, first + count):
        builder, owner = NAMES[number % 6], NAMES[(number + 1 + number // 6) % 6]
        boat = f"Heron {number}"
        gold = [(boat, "builder", f"{builder} {number}"), (boat, "owner", f"{owner} {number}")]
        text = f"The {boat} was built by {builder} {number} and is owned by {owner} {number}."
        yield {"id": f"b{number}", "text": text, "triples": [as_item(t) for t in gold]}


def as_item(triple):
    return dict(zip(("subject", "predicate", "object"), triple, strict=True))


def with_wrong_ones(row):
    first, second = row["triples"]
    wrong = as_item((first["subject"], "owner", first["object"]))
    return {**row, "triples": [first, wrong], "gold": [first, second]}


@pytest.fixture
def data(tmp_path):
    write_rows(tmp_path / "train.jsonl", boats(0, 40))
    write_rows(tmp_path / "test.jsonl", map(with_wrong_ones, boats(40, 8)))
    SCHEMA.save(tmp_path / "schema.json")
    (tmp_path / "boats.toml").write_text(EXPERIMENT, encoding="utf-8")
    return tmp_path


def test_the_schema_is_built_in_or_below_the_data_folder(data):
    plan = load_experiment(data / "boats.toml")
    assert list(plan.relation_schema(data).relations) == ["builder", "owner"]
    assert len(load_experiment("duie-small").relation_schema(data)) == 48
    with pytest.raises(SchemaError, match=r"schema\.json"):
        plan.relation_schema(data / "elsewhere")


def test_a_text_must_not_come_twice_in_a_candidate_file(data):
    row = next(boats(1, 1))
    write_rows(data / "twice.jsonl", [{**row, "id": name, "gold": []} for name in ("vole", "stoat")])
    with pytest.raises(DataError, match=r"twice\.jsonl:2.*text.*a file of its own"):
        load_candidates("x", CandidateFile(path="twice.jsonl"), data)


def test_annotated_rows_tell_wrong_from_right_only_by_generated_negatives(data):
    examples = load_examples(data / "train.jsonl", schema=SCHEMA)
    assert can_be_told("nothing", examples)
    assert not can_be_told("lists", examples)
    assert can_be_told("lists", with_negatives(examples, SCHEMA, count=1, seed=1))
    assert not can_be_told("gold", with_negatives(examples, SCHEMA, count=1, seed=1)), "gold speaks of anchors"


def test_baselines_look_at_the_schema_of_the_experiment():
    pair = [("The Heron was built by Ada Pell.", [Candidate(Triple("Heron", "builder", "Ada Pell"))])]
    by_schema = [
        next(entry for entry in made if entry.title == "rule filter").make(0, "").scores(pair)[0][0]
        for made in (entries(SCHEMA), entries())
    ]
    assert by_schema[0] > by_schema[1]
    trees = next(entry for entry in entries(SCHEMA) if entry.title == "string-evidence trees").make(0, "")
    assert isinstance(trees, EvidenceTrees)
    assert trees.schema is SCHEMA


def test_the_rate_of_fine_tuning_is_the_experiments(data, tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}", encoding="utf-8")
    cross = [e for e in entries(SCHEMA, 5e-5) if e.title.startswith("cross-encoder")]
    assert [entry.make(7, str(folder)).settings.learning_rate for entry in cross] == [5e-5, 5e-5]
    (data / "boats.toml").write_text(f"finetuning_rate = 0\n{EXPERIMENT}", encoding="utf-8")
    with pytest.raises(ConfigError, match="finetuning_rate"):
        load_experiment(data / "boats.toml")


@pytest.mark.slow
def test_the_whole_experiment_on_annotated_rows(data):
    plan, told = load_experiment(data / "boats.toml"), []
    runs = train_runs(plan, data, data / "runs", tell=told.append)
    reproduction = Reproduction(plan, data, runs, tell=told.append)
    text = "\n".join(table.markdown() for table in reproduction.tables(["table1", "table3", "baselines"]))
    assert "**LLM** (8 texts" in text
    assert "| rule filter | nothing |" in text
    assert "| string-evidence trees | lists |" in text
    assert "| relation prior |" not in text
    assert "baseline: relation prior left out, no training row has a wrong triple by gold" in told
    assert reproduction.setting()[-1] == "boats only"
