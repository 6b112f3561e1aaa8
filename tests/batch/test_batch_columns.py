"""The pure function on columns: what `cacre filter` gives, however the rows are cut; bad rows stay where they are."""

import json

import numpy as np
import pytest
from candidate_files import candidate_rows, filtered

from cacre.batch.columns import ERROR, columns_of, judge_columns
from cacre.inference import load_verifier


@pytest.fixture(scope="module")
def verifier(tiny_folder):
    return load_verifier(tiny_folder, threads=1)


@pytest.mark.parametrize("size", [1, 5, 24])
def test_columns_give_what_filter_gives_however_they_are_cut(size, verifier, tiny_folder, tmp_path):
    rows = candidate_rows(24)
    *_, everything = filtered(rows, tmp_path, tiny_folder)
    parts = [judge_columns(verifier, columns_of(rows[at : at + size])) for at in range(0, len(rows), size)]
    assert [triples for part in parts for triples in part["triples"]] == [row["triples"] for row in everything]
    assert not any(error for part in parts for error in part[ERROR])
    assert [text for part in parts for text in part["text"]] == [row["text"] for row in rows]


def test_numpy_columns_are_taken_as_ray_data_gives_them(verifier):
    rows = candidate_rows(3)
    plain = judge_columns(verifier, columns_of(rows))
    arrays = {name: np.array([None, *values], dtype=object)[1:] for name, values in columns_of(rows).items()}
    arrays["triples"] = np.array([None, *(np.array(row["triples"]) for row in rows)], dtype=object)[1:]
    assert json.dumps(judge_columns(verifier, arrays)["triples"]) == json.dumps(plain["triples"])


def test_a_bad_row_is_named_and_moves_no_other(verifier):
    good = candidate_rows(2)
    rows = [good[0], {"id": "x", "text": "", "triples": []}, {"id": "y", "text": "雾中渡"}, good[1]]
    judged = judge_columns(verifier, columns_of(rows))
    alone = judge_columns(verifier, columns_of(good))
    assert [judged["triples"][place] for place in (0, 3)] == alone["triples"]
    assert judged[ERROR][1] == {"reason": "must not be empty, got ''", "field": "text"}
    assert judged[ERROR][2]["field"] == "triples"
    assert [judged[ERROR][place] for place in (0, 3)] == [None, None]


def test_a_row_nested_too_deeply_is_named_and_ends_nothing(verifier):
    deep = []
    for _ in range(2000):
        deep = [deep]
    good = candidate_rows(2)
    rows = [good[0], {**good[1], "note": deep}, good[1]]
    judged = judge_columns(verifier, columns_of(rows))
    assert judged[ERROR] == [None, {"reason": "the JSON is nested too deeply", "field": None}, None]
    assert judged["triples"][1] == good[1]["triples"]
    assert judged["triples"][::2] == judge_columns(verifier, columns_of(good))["triples"]
