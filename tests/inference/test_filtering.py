import pytest

from cacre.errors import ConfigError
from cacre.inference.filtering import FilterSummary, filter_rows
from cacre.types import Candidate, Triple, Verdict


class Echo:
    """Supports the candidates whose object occurs in the text; remembers how many rows each call had."""

    def __init__(self):
        self.calls = []

    def verify(self, text, candidates):
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs):
        self.calls.append(len(pairs))
        return [[self._judge(text, c) for c in candidates] for text, candidates in pairs]

    def _judge(self, text, candidate):
        ok = candidate.triple.object in text
        return Verdict(candidate, "supported" if ok else "rejected", reason=None if ok else "object not in text")


def row(text, *objects):
    return text, [Candidate(Triple("甲", "导演", o)) for o in objects]


def test_verdicts_come_in_the_order_of_the_rows():
    verifier = Echo()
    rows = [row(f"文{i}", f"文{i}", f"人{i}") for i in range(10)]
    results = list(filter_rows(verifier, rows, chunk=4))
    assert [r[0].candidate.triple.object for r in results] == [f"文{i}" for i in range(10)]
    assert verifier.calls == [4, 4, 2]


def test_rows_are_read_no_further_than_a_chunk_ahead():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield row("文", "文")

    stream = filter_rows(Echo(), endless(), chunk=5)
    for _ in range(7):
        next(stream)
    assert len(taken) == 10


def test_no_rows_no_calls():
    verifier = Echo()
    assert list(filter_rows(verifier, [], chunk=3)) == []
    assert verifier.calls == []


def test_a_chunk_of_nothing_is_an_error():
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        list(filter_rows(Echo(), [row("文", "文")], chunk=0))


def test_the_summary_counts_reasons_by_kind():
    summary = FilterSummary()
    candidate = Candidate(Triple("甲", "导演", "乙"))
    reasons = [None, "text_score 0.1 below 0.5", "text_score 0.2 below 0.5", "object not in text"]
    summary.add([Verdict(candidate, "rejected" if r else "supported", reason=r) for r in reasons])
    summary.add([])
    assert (summary.rows, summary.kept) == (2, 1)
    assert summary.rejected == {"text_score below threshold": 2, "object not in text": 1}
    assert summary.lines()[0] == "2 rows, 4 triples: 1 kept, 3 rejected"
    assert summary.lines()[1].split() == ["2", "text_score", "below", "threshold"]
