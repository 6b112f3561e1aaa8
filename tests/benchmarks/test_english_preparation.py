"""The English experiment's preparation on a few made-up sentences."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from cacre.data import load_examples, write_rows
from cacre.reproduction.candidate_sets import load_candidates
from cacre.reproduction.experiment import CandidateFile, load_experiment
from cacre.reproduction.measures import labels_by_gold
from cacre.schema import load_schema

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def english():
    spec = importlib.util.spec_from_file_location("english", ROOT / "benchmarks" / "english.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["english"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["english"]


def triple(text, label=None, flags="111"):
    subject, predicate, object_ = text.split(" | ")
    item = {"subject": subject, "predicate": predicate, "object": object_}
    if label is None:
        return item
    s, o, onto = map(int, flags)
    return item | {"label": label, "s_in_text": s, "o_in_text": o, "in_onto": onto}


def said(number, name, model, text, triples, gold):
    row_id = f"ont_{number}_{name}_test_1|{model}"
    return {"id": row_id, "model": model, "text": text, "triples": triples, "gold": [triple(g) for g in gold]}


LAMP = "Orvel Lamp was drawn by Tib Marsh and first lit on May 3, 1911."
TESTS = [
    said(3, "lighthouse", "Vole-13B", LAMP, [
        triple("Orvel Lamp (lighthouse | Architect | T Marsh", 0, "100"),
        triple("Orvel Lamp (lighthouse) | architect | Tib Marsh", 1),
        triple("Orvel Lamp | architect | Tib Marsh", 0),
        triple("Orvel Lamp | lit | ", 0, "100"),
        triple("Orvel Lamp (lighthouse) | firstLit | 1911-05-03", 1, "101"),
        triple("Orvel Lamp | paints | Tib Marsh", 0, "110"),
    ], ["Orvel_Lamp_(lighthouse) | architect | \"Tib_Marsh\"", "Orvel_Lamp_(lighthouse) | firstLit | 1911-05-03"]),
    said(1, "boat", "Vole-13B", "The Heron is a boat.", [], ["The_Heron | kind | Boat"]),
    said(1, "boat", "Vole-13B", "The Heron is a boat.", [], ["The_Heron | kind | Boat"]),
    said(1, "boat", "Stoat-13B", "The Heron is a boat.", [triple("Heron | kind | boat", 0)],
         ["The_Heron | kind | Boat"]),
]  # fmt: skip
TRAIN = [
    {"id": "ont_1_boat_train_1", "text": "The Wren was built by Ada Pell in 1920.", "triples": [
        triple("Wren (boat) | builder | Ada Pell"), triple("Wren (boat) | builtIn | 1920"),
        triple("Wren (boat) | owner | Ada Pell"),
    ]},
    {"id": "ont_1_boat_train_2", "text": "The  heron is a boat.", "triples": [triple("Heron | kind | boat")]},
    {"id": "ont_2_town_train_1", "text": "Orvel Lamp honours Tib Marsh.", "triples": [
        triple("Orvel Lamp | honours | Tib Marsh")]},
    {"id": "ont_3_lighthouse_train_1", "text": "Gull Rock burns oil.", "triples": [triple("Gull Rock | fuel | oil")]},
]  # fmt: skip


@pytest.fixture
def prepared(english, tmp_path):
    write_rows(tmp_path / "text2kgbench_webnlg.jsonl", TESTS)
    write_rows(tmp_path / "webnlg_train.jsonl", TRAIN)
    report = english.prepare(tmp_path, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "counts.json").read_text(encoding="utf-8")) == report
    return tmp_path / "out", report


@pytest.mark.parametrize(
    ("predicate", "said_as"),
    [("birthDate", "birth date"), ("ISBN_number", "isbn number"), ("1stRunwayLength", "1st runway length"),
     ("band/musicalArtist", "band musical artist"), ("length", "length"), ("__", "__")],
)  # fmt: skip
def test_predicates_become_words(english, predicate, said_as):
    assert english.words(predicate) == said_as


@pytest.mark.parametrize(
    ("name", "mentioned"),
    [("Orvel_(comic)", "Orvel"), ("Orvel (comic", "Orvel"), ('"Tib Marsh"', "Tib Marsh"), ("(7) Vesper", "(7) Vesper"),
     ("(comic)", "(comic)"), ("30.5 (square metres)", "30.5"), ('"', '"')],
)  # fmt: skip
def test_names_lose_what_no_text_has(english, name, mentioned):
    assert english.mention(name) == mentioned


def test_the_most_telling_spelling_of_a_predicate_wins(english):
    rows = [{"triples": [triple("a | runtime | 1"), triple("b | runtime | 2"), triple("c | runTime | 3")]}]
    assert english.predicate_names(rows) == {"runtime": "run time"}


def test_every_third_ontology_is_held_out(english):
    rows = [{"id": f"ont_{number}_x_train_1"} for number in (10, 2, 30, 1, 11, 4)]
    assert english.held_out(rows) == ["ont_4_x", "ont_30_x"]
    with pytest.raises(SystemExit, match="'other'"):
        english.held_out([{"id": "other"}])


def test_training_shares_nothing_with_what_is_held_out(prepared):
    folder, report = prepared
    assert report["held out"] == ["ont_3_lighthouse"]
    [example] = load_examples(folder / "train.jsonl", schema=load_schema(folder / "schema.json"))
    assert example.id == "ont_1_boat_train_1"
    assert [tuple(t) for t in example.anchors][1] == ("Wren", "built in", "1920")
    assert tuple(example.positives[0]) == ("Ada Pell", "is the builder of", "Wren")
    assert example.positives[1] == example.anchors[1], "no phrase backwards for `built in`"
    assert report["train"]["rows of a text of a test or an earlier row, dropped"] == 1
    assert report["train"]["rows with a pair of entities of a held-out text, dropped"] == 1


def test_candidates_carry_the_labels_of_the_data(prepared):
    folder, report = prepared
    sets = load_candidates("all", CandidateFile(path="unseen_all_vole.jsonl"), folder)
    assert [tuple(c.triple) for c in sets.candidates[0]] == [
        ("Orvel Lamp", "architect", "T Marsh"),
        ("Orvel Lamp", "architect", "Tib Marsh"),
        ("Orvel Lamp", "first lit", "1911-05-03"),
        ("Orvel Lamp", "paints", "Tib Marsh"),
    ]
    assert labels_by_gold(sets).tolist() == [False, True, True, False]
    counts = report["unseen vole"]
    assert counts["labels that agree"] == counts["candidates"] == 4
    assert counts["candidates with an empty part, dropped"] == 1
    assert counts["candidates that differ in a qualifier, merged"] == 1
    onto = load_candidates("onto", CandidateFile(path="unseen_onto_vole.jsonl"), folder)
    assert [c.triple.object for c in onto.candidates[0]] == ["Tib Marsh"]
    assert len(next(iter(onto.gold.values()))) == 2, "gold stays complete"
    assert (counts["within text and ontology"], counts["of these, right"]) == (1, 1)
    assert counts["of these, relation not in training"] == 1


def test_each_model_has_its_file_and_each_text_one_row(prepared):
    folder, report = prepared
    assert report["seen vole"]["rows of a text that was there before, dropped"] == 1
    assert report["seen vole"]["texts without one"] == report["seen vole"]["texts"] == 1
    sets = load_candidates("seen", CandidateFile(path="seen_all_stoat.jsonl"), folder)
    assert labels_by_gold(sets).tolist() == [False], "`Heron` is not `The Heron` to the data"


def test_the_schema_tells_confusable_relations_from_those_that_hold_together(prepared):
    schema = load_schema(prepared[0] / "schema.json")
    assert schema["built in"].object_type == "literal"
    assert schema["builder"].near_misses == ("kind", "owner")
    assert schema["builder"].co_holds == {"owner"}
    assert "paints" not in schema, "outside its ontology"
    assert "first" in schema["first lit"].cues


def test_the_encoder_is_copied_whole_or_not_at_all(english, tmp_path):
    model = tmp_path / "site" / english.PACKAGE / "model"
    with pytest.raises(SystemExit, match="--package"):
        english.copy_encoder(tmp_path / "encoder", tmp_path / "site")
    model.mkdir(parents=True)
    for name in english.ENCODER_FILES[1:]:
        (model / name).write_text(name, encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        english.copy_encoder(tmp_path / "encoder", tmp_path / "site")
    assert not (tmp_path / "encoder").exists()
    (model / english.ENCODER_FILES[0]).write_text("{}", encoding="utf-8")
    english.copy_encoder(tmp_path / "encoder", tmp_path / "site")
    assert sorted(path.name for path in (tmp_path / "encoder").iterdir()) == sorted(english.ENCODER_FILES)


def test_the_experiment_reads_what_is_prepared():
    experiment = load_experiment(ROOT / "configs" / "experiments" / "webnlg-small.toml")
    files = {f"{part}_{kind}_{model}.jsonl" for part in ("unseen", "seen") for kind in ("all", "onto")
             for model in ("vicuna", "alpaca")}  # fmt: skip
    assert {file.path for file in experiment.candidates.values()} == files
    assert next(iter(experiment.candidates.values())).path == "unseen_onto_vicuna.jsonl"
    assert experiment.settings("CACRE", 13).encoder.frozen
