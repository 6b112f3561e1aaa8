"""What the baselines are told, and what a page says about it and about thresholds."""

from dataclasses import replace

import pytest

import tiny_corpus
from cacre.errors import ConfigError
from cacre.reproduction.baselines import labelled, training_rows
from cacre.reproduction.experiment import Experiment
from cacre.reproduction.report import Reproduction
from cacre.reproduction.runs import Run, given_runs, variant_rows
from cacre.reproduction.sources import threshold_sources, told_rows, told_to_main
from cacre.schema import load_schema
from cacre.training import features, train

LISTS = {"path": "lists.jsonl"}
FITTED = {"path": "derp-*.jsonl", "fit": "held/derp-*.jsonl"}


def plan(candidates=None, main="CACRE", **training):
    return Experiment.model_validate(
        {
            "name": "films",
            "train": ["train.jsonl"],
            "main": main,
            "set": {"training": {"dev_fraction": 0.25, **training}},
            "candidates": candidates or {"LLM": LISTS},
            "variants": {
                "CACRE": {},
                "calibrated": {"labels": "gold"},
                "no 主演": {"hold_out": ["主演"]},
                "few": {"texts": 9},
                "no people on screen": {"hold_out": ["主演", "主持人"]},
            },
            "seeds": [3],
            "note": "films only",
        }
    )


def run(variant, folder):
    return Run(variant, 3, folder)


@pytest.fixture
def schema():
    return load_schema("duie")


def test_thresholds_of_a_trained_run_are_those_of_its_held_out_rows(tmp_path):
    [line] = threshold_sources(plan(), [run("CACRE", tmp_path)])
    assert line == "thresholds fitted on the held-out part of the training rows, never on the candidates below"
    [line] = threshold_sources(plan(), [run("CACRE", tmp_path), run("calibrated", tmp_path)])
    assert "training rows (by gold for `calibrated`), never" in line
    assert threshold_sources(plan(), []) == []


def test_thresholds_of_a_file_with_fit_are_the_extractors_own(tmp_path):
    runs, own = [run("CACRE", tmp_path)], "fitted on gold of the extractor's candidates of other texts"
    assert threshold_sources(plan({"DERP": FITTED}), runs) == [f"thresholds for `DERP` {own}"]
    first, second = threshold_sources(plan({"DERP": FITTED, "LLM": LISTS}), runs)
    assert first == f"thresholds for `DERP` {own}"
    assert second.startswith("thresholds for the other files fitted on the held-out part")


def test_thresholds_of_a_given_verifier_come_with_it(tiny_folder):
    experiment = plan({"DERP": FITTED, "LLM": LISTS})
    given = given_runs(experiment, [str(tiny_folder)])
    lines = Reproduction(experiment, tiny_folder, given).setting()
    assert lines[1] == f"filtered with {tiny_folder}; B = 1000 resamples of texts"
    assert lines[2].startswith("thresholds for `DERP` fitted on gold")
    assert lines[3:] == ["thresholds for the other files as they come with the verifier", "films only"]
    assert told_to_main(experiment, given) == "its own training rows"


def test_the_table_says_what_the_main_variant_was_told(tmp_path):
    assert told_to_main(plan(), [run("CACRE", tmp_path)]) == "lists"
    assert told_to_main(plan(main="calibrated"), [run("calibrated", tmp_path)]) == "gold"


def test_baselines_get_the_rows_of_the_main_variant(schema):
    films = [replace(film, gold=film.anchors[:1]) for film in tiny_corpus.films(24)]
    assert len(told_rows(plan(main="few"), films, schema, 3)) < 9
    assert all(row.anchors for row in told_rows(plan(main="CACRE"), films, schema, 3))
    half = [film if number % 2 else _only_director(film) for number, film in enumerate(films)]
    held = told_rows(plan(main="no 主演"), half, schema, 3)
    assert held and {anchor.predicate for row in held for anchor in row.anchors} == {"导演"}


def _only_director(film):
    return replace(film, **{name: getattr(film, name)[:1] for name in ("anchors", "positives", "negatives")})


def test_baselines_of_the_calibrated_variant_see_what_the_llm_wrote(schema):
    films = [replace(film, gold=film.anchors[:1]) for film in tiny_corpus.films(24)]
    experiment = plan(main="calibrated")
    rows = told_rows(experiment, films, schema, 3)
    trained, _ = training_rows(variant_rows(films, experiment.variants["calibrated"], schema), 3, 0.25)
    assert [row.text for row in rows] == [row.text for row in trained], "the part that it was trained on"
    assert all(row in films for row in rows)
    assert {label for row in labelled(rows, "gold") for label in row.labels} == {True, False}


@pytest.mark.parametrize(
    "training",
    [
        {"generated_negatives": 2},
        {"generated_negatives": 3, "generated_kinds": ["swap_roles", "corrupt_subject"], "complete_annotation": True},
        {"generated_negatives": 1, "renamed_copies": 1},
    ],
)
def test_rows_without_a_wrong_triple_get_those_that_training_makes(schema, training, monkeypatch):
    experiment = plan(**training)
    films = [replace(film, negatives=(), gold=film.anchors) for film in tiny_corpus.films(24)]
    rows = told_rows(experiment, films, schema, 3)
    made = []
    generate = features.generate_negatives
    monkeypatch.setattr(features, "generate_negatives", lambda *a, **o: made.append(generate(*a, **o)) or made[-1])
    _train_like(experiment.settings("CACRE", 3), films, schema)
    for row, batch in zip(rows, made, strict=False):
        assert row.hard == tuple(dict.fromkeys(wrong for several in batch.negatives for wrong in several))
    assert len(made) >= len(rows) and any(row.hard for row in rows)


def test_training_sees_nothing_of_a_relation_that_is_held_out(schema, monkeypatch, tmp_path):
    """Neither in the rows, nor in what is made of them, nor on dev, as written or in other words."""
    films = tiny_corpus.films(24)
    shown = replace(films[0], anchors=tuple(anchor._replace(predicate="主持人") for anchor in films[0].anchors))
    films = [shown, *films[1:4], *(replace(_only_director(film), negatives=()) for film in films[4:])]
    name = "no people on screen"
    seen = []
    make_pair = features.make_pair
    monkeypatch.setattr(
        features, "make_pair", lambda windows, t, f: seen.append(t.predicate) or make_pair(windows, t, f)
    )
    rows = variant_rows(films, plan().variants[name], schema)
    words = schema.words_of(["主演", "主持人"])
    for variant, found in (("CACRE", True), (name, False)):
        seen.clear()
        training = plan(generated_negatives=4, complete_annotation=True, epochs=1).settings(variant, 3).training
        result = train(rows, tmp_path / variant, tiny_corpus.settings({"training": training.model_dump()}), schema)
        assert bool(words & set(seen)) is found
        assert (
            bool(words & {t.predicate for row in result.dev for t in (*row.anchors, *row.negatives, *row.hard)})
            is found
        )
    assert plan().settings(name, 3).training.generated_without == ("主演", "主持人")


def test_a_left_out_relation_must_be_one_of_the_schema(schema, tmp_path):
    settings = tiny_corpus.settings({"training": {"generated_without": ["气味"]}})
    with pytest.raises(ConfigError, match="generated_without names \\['气味'\\], which schema 'duie' lacks"):
        train(tiny_corpus.films(8), tmp_path / "model", settings, schema)
    assert not (tmp_path / "model").exists()


def _train_like(settings, films, schema):
    """As `cacre.training.run` does it."""
    from cacre.training.parts import featurized
    from cacre.training.run import build_model

    training = settings.training
    parts, _ = training_rows(films, training.seed, training.dev_fraction)
    tiny = tiny_corpus.settings({"training": training.model_dump()})
    whole = features.with_renamed(parts, schema, copies=training.renamed_copies, seed=training.seed)
    featurized(whole, build_model(tiny, schema, parts), "train")


def test_none_are_made_where_training_makes_none(schema):
    films = [replace(film, negatives=(), gold=film.anchors) for film in tiny_corpus.films(24)]
    assert not any(row.hard for row in told_rows(plan(generated_negatives=0), films, schema, 3))
