"""The calibrated setting on made-up scores that are known to tell, or not to tell, right from wrong."""

from dataclasses import replace

import numpy as np
import pytest

import tiny_corpus
from cacre.baselines.relation_trees import TreeSettings
from cacre.cli.reproduce import Part
from cacre.errors import DataError
from cacre.evaluation import roc_auc
from cacre.reproduction.baselines import RankedSet, training_rows
from cacre.reproduction.calibrated import (
    ALL,
    INPUTS,
    SCORES,
    SURFACE,
    GoldParts,
    StackColumns,
    calibrate,
    gold_parts,
    stack_columns,
)
from cacre.reproduction.calibrated_table import auc_gain, calibrated_results, calibrated_table
from cacre.reproduction.candidate_sets import CandidateTexts
from cacre.reproduction.experiment import Variant
from cacre.reproduction.measures import judge, labels_by_gold
from cacre.reproduction.report import WHAT
from cacre.schema import load_schema
from cacre.types import Candidate, Triple, Verdict

BOTH = "surface and scores"
SCHEMA = load_schema("duie")
TREES = TreeSettings(iterations=15, min_leaf=5, seed=1)


class Reader:
    """Scores a triple by whether it is among those that it was told; always sure, with no pair score."""

    def __init__(self, right):
        self.right = right

    def verify(self, text, candidates):
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs):
        return [[self._verdict(candidate) for candidate in row] for _, row in pairs]

    def _verdict(self, candidate):
        return Verdict(candidate, "supported", text_score=0.8 if candidate.triple in self.right else -0.8)


def numbered(texts, right):
    """A candidate file of two candidates a text; `right` says which are in gold."""
    triples = [Triple(f"甲{n}", "导演", f"乙{n}") for n in range(2 * texts)]
    names = tuple(f"{n}号文本" for n in range(texts))
    rows = [triples[2 * n : 2 * n + 2] for n in range(texts)]
    wanted = {t for t, label in zip(triples, right, strict=True) if label}
    gold = {name: [tuple(t) for t in row if t in wanted] for name, row in zip(names, rows, strict=True)}
    candidates = tuple(tuple(map(Candidate, row)) for row in rows)
    support = {(name, t): t in wanted for name, row in zip(names, rows, strict=True) for t in row}
    return CandidateTexts("made up", names, candidates, ((),) * texts, gold, support)


def made_up(texts=150, told=2.0, seed=0):
    """A seed's inputs, and the candidates: surface tells a little, the text score `told` standard deviations."""
    rng = np.random.default_rng(seed)

    def part():
        labels = rng.random(2 * texts) < 0.6
        columns = {
            "surface": rng.normal(size=2 * texts) + 0.5 * labels,
            "strings": rng.normal(size=2 * texts),
            "text_score": np.tanh(0.3 * rng.normal(size=2 * texts) + 0.3 * told * labels),
            "pair_score": np.full(2 * texts, np.nan),
        }
        return labels, columns

    (dev_labels, dev), (labels, test) = part(), part()
    return StackColumns(dev, dev_labels, 10, test), numbered(texts, labels)


def test_a_score_that_tells_lifts_the_calibrator_above_the_surface():
    columns, sets = made_up()
    results = calibrated_results(sets, [columns], 100)
    found = results.by_inputs
    assert found[BOTH].gold.value > found[SURFACE].gold.value + 0.15
    assert found[BOTH].over_surface.interval[0] > 0.1
    assert found[BOTH].support == found[BOTH].gold, "the judge says what gold says here"
    assert found[BOTH].filtered.difference[2].low > 0, "F1 rises"
    assert found[BOTH].filtered.after[2].value > found[SURFACE].filtered.after[2].value
    assert results.over_strings.interval[0] > 0.1
    assert (results.seeds, results.dev) == (1, 300)


def test_a_score_that_tells_nothing_adds_nothing():
    columns, sets = made_up(told=0.0)
    gained = calibrated_results(sets, [columns], 100).by_inputs[BOTH].over_surface
    assert gained.interval[0] < 0 < gained.interval[1] or abs(gained.value) < 0.02


def test_labels_of_the_measured_candidates_decide_nothing():
    films = [replace(film, gold=film.anchors[: 1 + n % 2]) for n, film in enumerate(tiny_corpus.films(60))]
    parts = gold_parts(films, Variant(), 1, 0.3, SCHEMA)
    reader = Reader({anchor for film in films for anchor in film.gold})
    other = tiny_corpus.films(20, seed=5)
    sets = CandidateTexts(
        "films",
        tuple(film.text for film in other),
        tuple(tuple(map(Candidate, film.anchors)) for film in other),
        ((),) * len(other),
        {film.text: [tuple(t) for t in film.anchors[:1]] for film in other},
        {},
    )
    turned = replace(
        sets,
        gold={film.text: [tuple(t) for t in film.anchors[1:]] for film in other},
        support={(film.text, film.anchors[0]): False for film in other},
    )
    assert not np.array_equal(labels_by_gold(sets), labels_by_gold(turned))
    found = [stack_columns(reader, judge(reader, one), parts, one, SCHEMA, TREES) for one in (sets, turned)]
    for names in INPUTS.values():
        first, second = (calibrate(columns, names) for columns in found)
        assert first.probability.tolist() == second.probability.tolist()
        assert first.kept.tolist() == second.kept.tolist()


def test_trees_learn_from_the_train_part_alone():
    films = [replace(film, gold=film.anchors[: 1 + n % 2]) for n, film in enumerate(tiny_corpus.films(60))]
    parts = gold_parts(films, Variant(), 1, 0.3, SCHEMA)

    def turned(rows):
        return [replace(row, labels=tuple(not label for label in row.labels)) for row in rows]

    def columns(changed):
        reader, sets = Reader(set()), numbered(3, [True] * 6)
        return stack_columns(reader, judge(reader, sets), changed, sets, SCHEMA, TREES)

    as_is, other_dev = columns(parts), columns(GoldParts(parts.train, turned(parts.dev)))
    assert other_dev.labels.tolist() == (~as_is.labels).tolist()
    for name in as_is.test:
        np.testing.assert_array_equal(other_dev.dev[name], as_is.dev[name])
        np.testing.assert_array_equal(other_dev.test[name], as_is.test[name])
    other_train = columns(GoldParts(turned(parts.train), parts.dev))
    assert other_train.dev["surface"].tolist() != as_is.dev["surface"].tolist()


def test_the_parts_are_those_of_training_with_the_llms_own_candidates():
    films = [replace(film, gold=film.anchors[: 1 + n % 2]) for n, film in enumerate(tiny_corpus.films(40))]
    train, dev = training_rows(films, 3, 0.25)
    parts = gold_parts(films, Variant(), 3, 0.25, SCHEMA)
    assert [row.text for row in parts.train] == [film.text for film in train]
    assert [row.text for row in parts.dev] == [film.text for film in dev]
    assert not {row.text for row in parts.train} & {row.text for row in parts.dev}
    assert parts.usable
    natural = gold_parts(films, Variant(labels="gold"), 3, 0.25, SCHEMA)
    assert {len(row.candidates) for row in (*natural.train, *natural.dev)} == {2}, "wrong anchors are candidates still"
    all_right = [replace(film, gold=film.anchors) for film in films]
    assert not gold_parts(all_right, Variant(), 3, 0.25, SCHEMA).usable
    unknown = [replace(film, gold=None) for film in films]
    assert not gold_parts(unknown, Variant(), 3, 0.25, SCHEMA).usable


def test_missed_gold_loosens_the_threshold():
    columns, _ = made_up(told=0.5)
    kept = [calibrate(replace(columns, missed=missed), INPUTS[SURFACE]).kept.sum() for missed in (0, 2000)]
    assert kept[0] < kept[1]


def test_pair_scores_count_where_there_are_any():
    columns, _ = made_up(told=0.0)
    some = np.where(np.arange(300) % 3 > 0, columns.labels.astype(float), np.nan)
    told = replace(columns, dev={**columns.dev, "pair_score": some})
    alike = {**columns.test, "pair_score": np.tile([0.0, 1.0, np.nan], 100)}
    found = calibrate(replace(told, test=alike), ("pair_score",)).probability[:3]
    assert found[0] < found[2] < found[1], "one without a pair score is thought of as average"
    none_at_all = calibrate(columns, INPUTS[SCORES])
    assert np.isfinite(none_at_all.probability).all()


def test_nothing_right_to_learn_from_is_an_error():
    columns, _ = made_up()
    with pytest.raises(DataError, match="300 dev candidates, 0 of them"):
        calibrate(replace(columns, labels=np.zeros(300, bool)), INPUTS[SURFACE])


def test_the_gain_is_the_difference_of_the_mean_areas():
    rng = np.random.default_rng(2)
    labels, text = rng.random(200) < 0.5, np.repeat(np.arange(100), 2)
    first, second = ([labels * told + rng.normal(size=200) for _ in range(2)] for told in (1.0, 0.2))
    means = [np.mean([roc_auc(labels, scores) for scores in side]) for side in (first, second)]
    found = auc_gain(RankedSet(labels, text), first, second, 100, 200)
    assert found.value == pytest.approx(means[0] - means[1])
    assert found.interval[0] < found.value < found.interval[1]
    same = auc_gain(RankedSet(labels, text), first, first, 100, 200)
    assert (same.value, same.interval) == (0.0, (0.0, 0.0)), "paired: the same texts on both sides"
    assert auc_gain(RankedSet(np.ones(200, bool), text), first, second, 100, 200) is None


def test_the_cells_of_the_table():
    columns, sets = made_up()
    results = calibrated_results(sets, [columns, columns], 100)
    table = calibrated_table(results, "CACRE")
    assert table.title.endswith("what needs no reading: CACRE")
    assert [row[0] for row in table.rows] == ["no filtering", *INPUTS]
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert [row[1] for row in table.rows] == ["", "nothing", "the text", "the text", "strings", "the text"]
    plain, surface, everything = table.rows[0], table.rows[1], table.rows[-1]
    right = labels_by_gold(sets)
    assert plain[5].startswith(f"{100 * right.mean():.1f} (")
    assert plain[6] == "100.0 (100.0 to 100.0)"
    assert surface[4] == ""
    kept = calibrate(columns, INPUTS[ALL]).kept
    assert everything[5].startswith(f"{100 * right[kept].mean():.1f} (")
    assert everything[6].startswith(f"{100 * right[kept].sum() / right.sum():.1f} (")
    area = roc_auc(right, calibrate(columns, INPUTS[ALL]).probability)
    assert everything[2].startswith(f"{area:.3f} (")
    assert everything[8].startswith("+")
    assert "2 seeds" in table.notes[0] and "300 candidates a seed" in table.notes[0]
    unjudged = calibrated_table(calibrated_results(replace(sets, support={}), [columns], 100), "CACRE")
    assert unjudged.rows[1][3] == "-"
    assert unjudged.notes[0].startswith("1 seed. ")


def test_the_command_knows_every_part():
    assert {part.value for part in Part} == {"all", *WHAT}
