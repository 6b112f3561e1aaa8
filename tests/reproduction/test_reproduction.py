"""The paper's tables on a made-up corpus: every number can be counted by hand."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny_corpus
from cacre.data import write_rows
from cacre.errors import ConfigError, DataError
from cacre.reproduction import paper_numbers as paper
from cacre.reproduction.candidate_sets import load_candidates
from cacre.reproduction.case_study import CASES, table_5
from cacre.reproduction.experiment import CandidateFile, Variant, load_experiment
from cacre.reproduction.measures import (
    areas,
    filter_result,
    judge,
    labels_by_gold,
    labels_by_support,
    perfect_reader,
)
from cacre.reproduction.report import Reproduction
from cacre.reproduction.runs import finished_runs, natural_negatives, run_folder, train_runs, variant_rows
from cacre.reproduction.table3 import table_3
from cacre.reproduction.tables import Table, operating_points
from cacre.schema import load_schema
from cacre.types import Triple, Verdict

TEXTS = ["甲由乙执导。", "丙由丁执导，戊主演。"]
ROWS = [
    {
        "id": "a",
        "text": TEXTS[0],
        "anchors": [["甲", "导演", "乙"], ["甲", "编剧", "乙"]],
        "positives": [["甲", "执导者", "乙"], ["乙", "编剧作品", "甲"]],
        "negatives": [["乙", "导演", "甲"], ["甲", "主演", "乙"]],
        "gold": [["甲", "导演", "乙"]],
    },
    {
        "id": "b",
        "text": TEXTS[1],
        "anchors": [["丙", "主演", "丁"]],
        "positives": [["丙", "演员", "丁"]],
        "negatives": [["丁", "主演", "丙"]],
        "gold": [["丙", "导演", "丁"], ["丙", "主演", "戊"]],
    },
]
SUPPORT = [
    {"id": "a", "triples": [{"triple": ["甲", "导演", "乙"], "supported": 1}]},
    {
        "id": "b",
        "triples": [{"triple": ["丙", "主演", "丁"], "supported": 0}, {"triple": ["x", "y", "z"], "supported": None}],
    },
]


class Oracle:
    """Keeps and scores triples as it was told; everything else is rejected with score 0."""

    def __init__(self, scores):
        self.scores = scores

    def verify(self, text, candidates):
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs):
        return [[self._verdict(candidate) for candidate in row] for _, row in pairs]

    def _verdict(self, candidate):
        score = self.scores.get(tuple(candidate.triple), 0.0)
        outcome = "supported" if score > 0.5 else "rejected"
        return Verdict(candidate, outcome, text_score=score, reason=None if score > 0.5 else "low")


@pytest.fixture
def data(tmp_path):
    write_rows(tmp_path / "llm.jsonl", ROWS)
    write_rows(tmp_path / "support.jsonl", SUPPORT)
    return tmp_path


@pytest.fixture
def sets(data):
    return load_candidates("llm", CandidateFile(path="llm.jsonl", support="support.jsonl"), data)


def test_contrastive_rows_stand_for_the_llm_that_wrote_them(sets):
    assert len(sets) == 3
    assert sets.texts == tuple(TEXTS)
    assert sets.candidates[0][1].paraphrase == Triple("乙", "编剧作品", "甲")
    assert sets.negatives[1] == (Triple("丁", "主演", "丙"),)
    assert labels_by_gold(sets).tolist() == [True, False, False]
    support = labels_by_support(sets)
    assert support[0] == 1.0 and np.isnan(support[1]) and support[2] == 0.0


def test_some_relations_only(sets):
    part = sets.only({"导演"})
    assert [len(row) for row in part.candidates] == [1, 0]
    assert part.negatives == ((Triple("乙", "导演", "甲"),), ())
    assert [len(spos) for spos in part.gold.values()] == [1, 1]


def test_anchors_outside_gold_are_natural_negatives():
    film = tiny_corpus.films(1)[0]
    known = replace(film, gold=film.anchors[1:])
    changed = natural_negatives(known)
    assert changed.anchors == film.anchors[1:]
    assert changed.negatives == film.negatives[1:]
    assert changed.hard == (*film.hard, film.anchors[0])
    assert natural_negatives(film) == film, "no gold, no change"


def test_candidate_rows_have_no_lists(tmp_path):
    row = {"text": TEXTS[0], "triples": [{"subject": "甲", "predicate": "导演", "object": "乙"}], "gold": []}
    write_rows(tmp_path / "c.jsonl", [row])
    sets = load_candidates("c", CandidateFile(path="c.jsonl"), tmp_path)
    assert sets.negatives == ((),)
    assert areas(sets, [judge(Oracle({}), sets)]) == {
        "gold": None, "support": None, "lists": None, "false_removed": None,
    }  # fmt: skip


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.jsonl"):
        load_candidates("x", CandidateFile(path="nowhere.jsonl"), tmp_path)


def test_scores_before_and_after_are_those_of_the_scorer(sets):
    judged = judge(Oracle({("甲", "导演", "乙"): 0.9, ("甲", "编剧", "乙"): 0.8}), sets)
    result = filter_result(sets, [judged], resamples=100)
    assert [round(one.value, 4) for one in result.before] == [round(1 / 3, 4), round(1 / 3, 4), round(1 / 3, 4)]
    assert [round(one.value, 4) for one in result.after] == [0.5, round(1 / 3, 4), 0.4]
    assert [round(one.value, 4) for one in result.difference] == [round(1 / 6, 4), 0.0, round(0.4 - 1 / 3, 4)]
    assert (result.kept_true, result.removed_false) == (1.0, 0.5)
    assert (result.texts, result.candidates) == (2, 3)
    assert all(one.low <= one.value <= one.high for one in (*result.before, *result.after))


def test_several_seeds_count_as_one_system_with_their_counts_added(sets):
    keep_all = dict.fromkeys([("甲", "导演", "乙"), ("甲", "编剧", "乙"), ("丙", "主演", "丁")], 0.9)
    judged = [judge(Oracle(scores), sets) for scores in (keep_all, {("甲", "导演", "乙"): 0.9})]
    result = filter_result(sets, judged, resamples=100)
    assert result.after[0].value == pytest.approx(2 / 4)
    assert result.after[1].value == pytest.approx(2 / 6)
    assert result.seeds_f1 == pytest.approx([1 / 3, 0.5])
    assert result.kept_true == 1.0
    assert result.removed_false == 0.5


def test_areas(sets):
    scores = {
        ("甲", "导演", "乙"): 0.9,
        ("甲", "编剧", "乙"): 0.2,
        ("丙", "主演", "丁"): 0.4,
        ("甲", "主演", "乙"): 0.3,
    }
    found = areas(sets, [judge(Oracle(scores), sets)])
    assert found["gold"] == 1.0
    assert found["support"] == 1.0
    assert found["lists"] == pytest.approx(8 / 9)
    assert found["false_removed"] == 1.0


def test_a_perfect_reader_keeps_all_but_what_was_judged_unsupported(sets):
    kept = perfect_reader(sets).kept
    assert [len(row) for row in kept] == [2, 0], "one in gold, one not judged; the judged-wrong one goes"
    result = filter_result(sets, [perfect_reader(sets)], resamples=100)
    assert result.after[0].value == pytest.approx(1 / 2)
    table = operating_points({"ours": result}, {"ours": result})
    assert table.rows[-1][0] == "ours, a perfect reader"
    assert table.notes and not operating_points({"reader": result}, {}).notes


def test_fewer_rows_where_the_variant_says_so():
    films = tiny_corpus.films(5)
    assert variant_rows(films, Variant(texts=2), load_schema("duie")) == films[:2]
    assert variant_rows(films, Variant(), load_schema("duie")) == films


def test_table_3_has_every_row_of_the_paper_and_says_what_was_not_run(sets):
    result = filter_result(sets, [judge(Oracle({}), sets)], resamples=100)
    text = table_3({"ours": result}, {"ours": result}, {"ours": "DeepSeek V3"}, seeds=1).markdown()
    for name in (*paper.TABLE_3, *paper.TABLE_3_SUPERVISED):
        assert name in text
    assert "Qwen-Plus, here | not run" in text
    assert "DeepSeek V3, here" not in text
    assert "33.3" in text
    assert "columns are rotated" in text


def test_table_3_has_the_strict_scores_below_the_flat_ones(sets):
    slots = {TEXTS[0]: [("甲", "导演", "乙")], TEXTS[1]: [("丙", "主演", {"@value": "丁", "inWork": "己"})]}
    known = replace(sets, gold=slots)
    judged = [judge(Oracle({("甲", "导演", "乙"): 0.9, ("丙", "主演", "丁"): 0.9}), known)]
    flat, strict = ({"ours": filter_result(known, judged, mode=mode, resamples=100)} for mode in ("flat", "strict"))
    rows = [list(row) for row in table_3(flat, strict, {"ours": None}, seeds=1).rows]
    place = next(place for place, row in enumerate(rows) if row[0].startswith("**ours**"))
    values = [[cell.split(" (")[0] for cell in row[1:]] for row in rows[place : place + 3]]
    assert values[0] == ["66.7", "100.0", "80.0", "100.0", "100.0", "100.0"]
    assert rows[place + 1][0] == "the same, strict"
    assert values[1] == ["33.3", "50.0", "40.0", "50.0", "50.0", "50.0"]
    assert values[2] == ["", "", "", "+33.3", "+0.0", "+20.0"], "the difference is that of the flat scores"


@pytest.mark.parametrize("name", paper.TABLE_4)
def test_the_papers_ablations_are_consistent_with_their_own_f1(name):
    precision, recall, f1 = paper.TABLE_4[name]
    assert 2 * precision * recall / (precision + recall) == pytest.approx(f1, abs=0.15)


def test_the_operating_point_follows_from_table_3():
    alone, filtered = paper.TABLE_3["DeepSeek V3"]
    predicted, kept = alone.recall / alone.precision, filtered.recall / filtered.precision
    false_before, false_kept = predicted - alone.recall / 100, kept - filtered.recall / 100
    assert filtered.recall / alone.recall == pytest.approx(paper.OPERATING_POINT[0], abs=0.002)
    assert false_kept / false_before == pytest.approx(paper.OPERATING_POINT[1], abs=0.01)


def test_cells_cannot_break_the_table():
    assert "a\\|b c" in Table("t", ["h"], [["a|b\nc"]]).markdown()


EXPERIMENT = """
name = "tiny"
train = ["train.jsonl"]
main = "CACRE"
seeds = [1, 2]
resamples = 100
[set.encoder]
{encoder}
[set.model]
{model}
[set.training]
{training}
[splits]
train = "train.jsonl"
[candidates.LLM]
path = "test.jsonl"
paper_row = "DeepSeek V3"
[variants.CACRE]
[variants.calibrated]
labels = "gold"
[variants."no 主演"]
hold_out = ["主演"]
[variants."no margin"]
set.loss = {{ base_margin = 0.0 }}
note = "none at all"
"""


def toml_of(values):
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())


@pytest.fixture
def experiment_file(tmp_path):
    tables = {name: toml_of(values) for name, values in tiny_corpus.TINY.items()}
    tables["training"] = toml_of({**tiny_corpus.TINY["training"], "epochs": 1})
    # Smaller than the preset: five networks are trained and exported.
    tables["model"] = toml_of({**tiny_corpus.TINY["model"], "pattern_head": 0, "reader_layers": 1})
    path = tmp_path / "tiny.toml"
    path.write_text(EXPERIMENT.format(**tables), encoding="utf-8")
    return path


def test_an_experiment_says_what_to_run(experiment_file):
    experiment = load_experiment(experiment_file)
    assert experiment.runs() == [
        ("CACRE", 1),
        ("CACRE", 2),
        ("calibrated", 1),
        ("no 主演", 1),
        ("no margin", 1),
    ]
    assert experiment.settings("no margin", 1).loss.base_margin == 0.0
    assert experiment.settings("CACRE", 2).training.seed == 2
    assert experiment.settings("CACRE", 2).model.projection_size == tiny_corpus.TINY["model"]["projection_size"]


def test_the_packaged_experiment_is_sound():
    experiment = load_experiment("duie-small")
    assert {"CACRE", "CACRE-att", "CACRE-pro"} <= set(experiment.variants)
    assert {file.paper_row for file in experiment.candidates.values()} - {None} <= {
        *paper.TABLE_3,
        *paper.TABLE_3_SUPERVISED,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('main = "CACRE"', 'main = "other"'), "main='other'"),
        (("base_margin = 0.0", "base_margins = 0.0"), "base_margins"),
        (("seeds = [1, 2]", "seeds = []"), "seeds"),
        (("[variants.CACRE]", '[variants."../x"]'), "variants"),
        (("name =", "nom ="), "nom"),
    ],
)
def test_a_faulty_experiment_is_refused_before_anything_is_trained(experiment_file, change, reason):
    text = experiment_file.read_text(encoding="utf-8")
    experiment_file.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=reason):
        load_experiment(experiment_file)


def test_a_missing_experiment():
    with pytest.raises(ConfigError, match="not a packaged experiment"):
        load_experiment("no-such-thing")


def contrastive(examples, start):
    """Rows of which every third speaks of one relation only, and every second has an anchor outside gold."""
    for number, e in enumerate(examples, start):
        said = 1 if number % 3 == 0 else 2
        lists = {name: [list(t) for t in getattr(e, name)[:said]] for name in ("anchors", "positives", "negatives")}
        yield {"id": f"r{number}", "text": e.text, **lists, "gold": [list(t) for t in e.anchors[: 1 + number % 2]]}


@pytest.mark.slow
def test_the_whole_experiment(tmp_path, experiment_file):
    films = tiny_corpus.films(70)
    write_rows(tmp_path / "train.jsonl", contrastive(films[:60], 0))
    write_rows(tmp_path / "test.jsonl", contrastive(films[60:], 60))
    experiment, root, told = load_experiment(experiment_file), tmp_path / "runs", []
    train_runs(experiment, tmp_path, root, only={"CACRE"}, tell=told.append)
    assert told == ["training CACRE, seed 1", "training CACRE, seed 2"]
    runs = train_runs(experiment, tmp_path, root, tell=told.append)
    names = ("calibrated", "no 主演", "no margin")
    assert told[2:] == [f"training {name}, seed 1" for name in names], "what is done is not done again"
    assert runs == finished_runs(experiment, tmp_path, root)
    assert (run_folder(root, "no margin", 1) / "thresholds.json").is_file()

    tables = Reproduction(experiment, tmp_path, runs, tell=told.append).tables()
    assert "baseline: rule filter" in told
    text = "\n".join(table.markdown() for table in tables)
    assert "**LLM** (10 texts" in text
    assert "2 seeds" in text
    assert "| **no margin** | none at all |" in text
    assert "| train | 60 |" in text
    assert "Relations held out of training: 主演 (6 candidates)" in text
    assert CASES[0].text in text
    drawn = Reproduction(experiment, tmp_path, runs).figures(tmp_path / "figures")
    assert [path.name for path in drawn] == ["figure2.svg", "figure3.svg"]
    assert "AUC" in drawn[0].read_text(encoding="utf-8")
    assert tomllib.loads(experiment_file.read_text(encoding="utf-8"))["name"] in "".join(
        Reproduction(experiment, tmp_path, runs).setting()
    )


def test_figures_need_a_run(tmp_path, experiment_file):
    with pytest.raises(DataError, match="no run of 'CACRE' is trained"):
        Reproduction(load_experiment(experiment_file), tmp_path, []).figures(tmp_path)


def test_without_runs_the_trained_tables_are_left_out(tmp_path, experiment_file):
    write_rows(tmp_path / "train.jsonl", contrastive(tiny_corpus.films(3), 0))
    paper_tables = [f"table{number}" for number in range(1, 6)]
    tables = Reproduction(load_experiment(experiment_file), tmp_path, []).tables(paper_tables)
    titles = ["Table 1: data", "Table 2: hyper-parameters", "Table 3: extraction before and after filtering"]
    assert [table.title for table in tables] == titles
    assert ["LLM", "not run", "", "", "not run", "", ""] in tables[2].rows, "there is no test.jsonl"


def test_the_cases_of_table_5_differ_from_their_negatives(tiny_folder: Path):
    from cacre.inference import OnnxVerifier

    table = table_5(OnnxVerifier(tiny_folder))
    assert len(table.rows) == 2
    assert all(case.anchor != case.negative and case.anchor.subject in case.text for case in CASES)
