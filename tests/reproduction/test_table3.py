"""Table 3 of whichever candidate files exist: seeds, slots, gold, and what was not run."""

import pytest
from typer.testing import CliRunner

from cacre.cli import app
from cacre.data import write_rows
from cacre.errors import DataError
from cacre.reproduction import paper_numbers as paper
from cacre.reproduction.candidate_sets import load_candidates, load_seeds
from cacre.reproduction.experiment import CandidateFile
from cacre.reproduction.measures import SeedScores, seeds_result
from cacre.reproduction.table3 import System, table_3

FILM, PLAY = "《雾中渡》由林知远执导。", "闻人歌在《远山灯》中饰演沈砚。"
DIRECTED = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
PLAYED = {"subject": "闻人歌", "predicate": "饰演", "object": "沈砚"}
IN_WORK = {**PLAYED, "object": {"@value": "沈砚", "inWork": "远山灯"}}
WRONG = {**DIRECTED, "predicate": "编剧"}
GOLD = {FILM: [DIRECTED], PLAY: [IN_WORK]}


def candidate_file(path, said, *, gold=True):
    rows = [{"text": text, "triples": triples} for text, triples in said.items()]
    write_rows(path, [{**row, "spo_list": GOLD[row["text"]]} if gold else row for row in rows])


@pytest.fixture
def data(tmp_path):
    candidate_file(tmp_path / "mine-13.jsonl", {FILM: [DIRECTED, WRONG], PLAY: [PLAYED]})
    candidate_file(tmp_path / "mine-14.jsonl", {PLAY: [{**PLAYED, "qualifiers": {"inWork": "远山灯"}}], FILM: []})
    return tmp_path


def values(intervals):
    return [round(one.value, 3) for one in intervals]


def test_a_pattern_is_a_file_per_seed_and_their_counts_are_added(data):
    sets = load_seeds("mine", CandidateFile(path="mine-*.jsonl"), data)
    assert [one.texts for one in sets] == [(FILM, PLAY)] * 2, "the second file is in another order"
    drop_wrong = SeedScores([[sets[0].candidates[0][0].triple], [sets[0].candidates[1][0].triple]], *[None] * 2)
    keep_none = SeedScores([[], []], *[None] * 2)
    flat = seeds_result([(sets[0], [drop_wrong]), (sets[1], [keep_none])], resamples=100)
    assert values(flat.before) == [0.75, 0.75, 0.75]
    assert flat.extractor_f1 == pytest.approx([0.8, 2 / 3])
    assert values(flat.after) == [1.0, 0.5, 0.667]
    assert values(flat.difference) == [0.25, -0.25, -0.083]
    assert flat.seeds_f1 == pytest.approx([1.0, 0.0])
    assert (flat.kept_true, flat.removed_false, flat.candidates) == (pytest.approx(2 / 3), 1.0, 4)


def test_strict_scores_compare_slots(data):
    for name, strict_f1 in (("mine-13.jsonl", 0.4), ("mine-14.jsonl", 2 / 3)):
        [one] = load_seeds("mine", CandidateFile(path=name), data)
        strict = seeds_result([(one, [])], mode="strict", resamples=100)
        assert strict.before[2].value == pytest.approx(strict_f1)
        assert (strict.after, strict.difference) == ((), ())


def test_seeds_need_the_same_texts(data):
    candidate_file(data / "mine-15.jsonl", {FILM: [DIRECTED]})
    with pytest.raises(DataError, match=r"mine-15\.jsonl: its texts are not those of the first seed of 'mine'"):
        load_seeds("mine", CandidateFile(path="mine-*.jsonl"), data)


def test_candidates_never_pass_for_gold(data):
    candidate_file(data / "bare.jsonl", {FILM: [WRONG]}, gold=False)
    with pytest.raises(DataError, match=r"bare.jsonl:1: gold: is missing"):
        load_candidates("bare", CandidateFile(path="bare.jsonl"), data)
    known = load_candidates("bare", CandidateFile(path="bare.jsonl", gold="mine-13.jsonl"), data)
    assert list(known.gold) == [FILM]
    candidate_file(data / "play.jsonl", {PLAY: []})
    with pytest.raises(DataError, match=r"1 of 1 texts have no gold in play\.jsonl"):
        load_candidates("bare", CandidateFile(path="bare.jsonl", gold="play.jsonl"), data)


def test_made_files_are_found_where_the_command_runs(data, monkeypatch):
    (data / "elsewhere").mkdir()
    monkeypatch.chdir(data)
    for path in ("mine-*.jsonl", str(data / "mine-*.jsonl")):
        assert len(load_seeds("mine", CandidateFile(path=path), data / "elsewhere")) == 2


def test_each_measured_row_stands_below_the_paper_s_and_the_others_say_not_run(data):
    sets = load_seeds("mine", CandidateFile(path="mine-*.jsonl"), data)
    result = System([(one, []) for one in sets]).result("flat", 100)
    beside = {"mine": "CasRelBLCF", "theirs": "CasRelBLCF", "free": None}
    table = table_3({"mine": result}, {"mine": result}, beside, seeds=0)
    labels = [row[0] for row in table.rows]
    place = labels.index("paper: CasRelBLCF")
    assert labels[place + 1] == "**mine** (2 texts, 4 candidates; 2 seeds: F1 80.0, 66.7)"
    assert table.rows[place + 1][4:] == ["not run", "", ""], "there is no filter"
    assert labels[place + 2 : place + 4] == ["the same, strict", "theirs"]
    assert labels[-1] == "free"
    assert sum(row[1] == "not run" for row in table.rows) == len(paper.TABLE_3) + len(paper.TABLE_3_SUPERVISED) - 1 + 2
    assert all(len(row) == len(table.header) for row in table.rows)
    assert all(note in table.notes for note in paper.FOOTNOTES_3)


def test_the_command_filters_with_a_given_verifier(data, tiny_folder):
    (data / "mine.toml").write_text(
        'name = "mine"\ntrain = []\nmain = "CACRE"\nresamples = 100\n[variants.CACRE]\n'
        '[candidates.mine]\npath = "mine-*.jsonl"\npaper_row = "CECRel"\n[candidates.gone]\npath = "gone.jsonl"\n',
        encoding="utf-8",
    )
    words = ["reproduce", "table3", "--data", str(data), "--experiment", str(data / "mine.toml")]
    done = CliRunner().invoke(app, [*words, "--model", str(tiny_folder)])
    assert done.exit_code == 0, done.stderr
    [row] = [line for line in done.stdout.splitlines() if line.startswith("| **mine**")]
    assert row.count("(") == 7 and "| gone | not run |" in done.stdout
    assert "gone: not run, there is no gone.jsonl" in done.stderr
    alone = CliRunner().invoke(app, [*words, "--no-train", "--runs", str(data / "runs")])
    assert alone.exit_code == 0, alone.stderr
    [row] = [line for line in alone.stdout.splitlines() if line.startswith("| **mine**")]
    assert row.endswith("| not run |  |  |")


def test_thresholds_are_fitted_on_other_texts_of_the_same_extractor(data, tiny_folder):
    other = {"第一篇：" + text: triples for text, triples in GOLD.items()}
    for name in ("held-13.jsonl", "held-14.jsonl"):
        rows = [{"text": text, "triples": [*triples, WRONG], "spo_list": triples} for text, triples in other.items()]
        write_rows(data / name, rows)

    def table(fit):
        (data / "mine.toml").write_text(
            'name = "mine"\ntrain = []\nmain = "CACRE"\nresamples = 100\n[variants.CACRE]\n'
            '[candidates.mine]\npath = "mine-*.jsonl"\n' + fit,
            encoding="utf-8",
        )
        words = ["reproduce", "table3", "--data", str(data), "--experiment", str(data / "mine.toml")]
        return CliRunner().invoke(app, [*words, "--model", str(tiny_folder)])

    fitted = table('fit = "held-*.jsonl"\n')
    assert fitted.exit_code == 0, fitted.stderr
    assert "fitting thresholds of" in fitted.stderr and "for mine, seed 2" in fitted.stderr
    assert "fitting thresholds of" not in table("").stderr
    for fit, fault in (
        ("held-13.jsonl", "1 files to fit on and 2 of candidates: one for each seed"),
        ("mine-*.jsonl", "has texts that are measured: fit on others"),
        ("gone-*.jsonl", "0 files to fit on and 2 of candidates"),
    ):
        refused = table(f'fit = "{fit}"\n')
        assert refused.exit_code == 1
        assert fault in refused.stderr
