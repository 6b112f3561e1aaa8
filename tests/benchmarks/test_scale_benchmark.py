"""What the benchmark of large jobs makes, compares and prints."""

import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ROWS = [
    {"text": "《雾中渡》由林知远执导，林知远、沈若汐主演，1998年上映。", "triples": [
        {"subject": "雾中渡", "predicate": "导演", "object": "林知远", "supported": 1},
        {"subject": "雾中渡", "predicate": "主演", "object": "林知远、沈若汐", "supported": 0},
        {"subject": "雾中渡", "predicate": "上映时间", "object": "1998年", "supported": 1},
        {"subject": "雾中渡", "predicate": "主演", "object": "顾青禾", "supported": 0},
    ]},
    {"text": "河长12公里。", "triples": [{"subject": "河", "predicate": "长", "object": "12公里", "supported": 1}]},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    return path


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_copies_are_new_texts_with_as_many_candidates_as_asked_for(corpus):
    from scale_data import copies, sources

    found = sources(corpus)
    assert [source.text for source in found] == [ROWS[0]["text"]], "a row without a name would be repeated as it is"
    rows = list(copies(found, 403, seed=5))
    assert sum(len(row["triples"]) for row in rows) == 403
    assert len({row["text"] for row in rows}) > 90
    assert [row["id"] for row in rows] == [f"row-{number:08d}" for number in range(101)]
    assert rows == list(copies(found, 403, seed=5)) != list(copies(found, 403, seed=6))


def test_copies_keep_which_names_a_text_has_and_what_is_part_of_what(corpus):
    from scale_data import copies, sources

    for row in copies(sources(corpus), 40, seed=1):
        director, actors, year, stranger = (triple["object"] for triple in row["triples"])
        assert len(row["text"]) == len(ROWS[0]["text"])
        assert row["text"] == f"《{row['triples'][0]['subject']}》由{director}执导，{actors}主演，1998年上映。"
        assert actors.startswith(director + "、")
        assert (year, stranger in row["text"]) == ("1998年", False)
        assert [list(triple) for triple in row["triples"]] == [["subject", "predicate", "object"]] * 4


def test_split_keeps_each_line_once(tmp_path):
    from scale_data import split

    source = write(tmp_path / "all.jsonl", [{"id": number} for number in range(11)])
    files = split(source, tmp_path / "files", 4)
    assert [path.read_text().count("\n") for path in files] == [3, 3, 3, 2]
    lines = sorted(line for path in files for line in path.read_text().splitlines())
    assert lines == sorted(source.read_text().splitlines())


def verdict(score, outcome="supported"):
    return {"id": "a", "triples": [{"subject": "x", "verdict": outcome, "text_score": score, "pair_score": None}]}


def test_outputs_are_compared_row_by_row(tmp_path):
    from scale_compare import Comparison, compare, sorted_parts

    ours = write(tmp_path / "ours.jsonl", [verdict(0.5), verdict(0.5), verdict(0.5), verdict(0.5)])
    write(tmp_path / "out/kept/part-00001.jsonl", [verdict(0.5, "rejected")])
    write(tmp_path / "out/kept/part-00000.jsonl", [verdict(0.5), verdict(0.75)])
    theirs = sorted_parts(tmp_path / "out", "kept")
    assert compare([ours], theirs) == Comparison(rows=4, different=2, largest_difference=0.25)


def test_ids_are_counted(tmp_path):
    from scale_compare import Count, count_ids

    path = write(tmp_path / "rows.jsonl", [{"id": name} for name in ("a", "b", "b", "z")])
    assert count_ids(["a", "b", "c"], [path]) == Count(once=1, lost=1, twice=1, foreign=1)


def run(seconds, began=0.0, done=None):
    times = {"seconds": seconds, "began": began, "done": done or seconds, "cpu": seconds, "load": 1.0}
    return times | {"together": 500.0, "peaks": {"command": {"count": 1, "mib": 200.0}}}


def test_tables_tell_efficiency_growth_and_sameness():
    from scale_tables import comparisons, tables

    small = {"filter": run(12.0), "batch 1": run(20.0, 8.0, 18.0), "batch 2": run(16.0, 8.0, 14.0)}
    large = {"filter": run(112.0), "batch 1": run(120.0, 8.0, 118.0), "batch 2": run(70.0, 8.0, 63.0)}
    same = {"batch 2": {"kept": {"rows": 20, "different": 0, "largest_difference": 0.0}}}
    sizes = {
        "1000": {"rows": 200, "candidates": 1000, "runs": small, "same": {}},
        "10000": {"rows": 2000, "candidates": 10000, "runs": large, "same": same},
    }
    about = {"model": "m", "seed": 1, "machine": {"cores": 2}, "note": "shared cores"}
    record = {**about, "start": {"filter": 2.0}, "unit": {"1": 0.03}, "sizes": sizes}
    lines = list(tables(record))
    assert "Note: shared cores." in lines[0]
    # 10 s of work against 6 s: .83; 110 s against 55 s: 1. The filter: 10 s, then 110 s for ten times as much.
    assert "| 1,000 | 0.62 | 0.83 |  |  |  |" in lines
    assert "| 10,000 | 0.86 | 1.00 | +10.0% | +10.0% | -8.3% |" in lines
    assert "| 10,000 | batch 2 | kept | 20 | 0 | 0.0e+00 |" in lines
    assert list(comparisons(record)) == [same["batch 2"]["kept"]]


def test_a_record_of_other_candidates_is_refused(tmp_path):
    from scale import Bench

    bench = Bench(tmp_path, "mini-zh", seed=1)
    bench.keep(bench.record())
    assert bench.record()["sizes"] == {}
    with pytest.raises(SystemExit, match="another seed"):
        Bench(tmp_path, "mini-zh", seed=2).record()


@pytest.mark.slow
def test_a_command_is_watched(tmp_path):
    from scale_watch import watched

    (tmp_path / "mark").touch()
    found = watched(["filter", str(tmp_path / "missing.jsonl")], tmp_path / "log", (tmp_path / "mark").exists)
    assert (found.code, found.said.startswith("error:")) == (1, True)
    assert 0 < found.began <= found.seconds
    assert found.peaks()["command"]["mib"] > 10
