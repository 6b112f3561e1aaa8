import itertools
import unicodedata

import numpy as np
import pytest

import tiny_model
from cacre.errors import ConfigError, DataError
from cacre.inference import DecisionRules, OnnxVerifier, Verifier, load_verifier
from cacre.inference import onnx_verifier as module
from cacre.types import Candidate, Triple

FILM, PERSON, COMPANY = tiny_model.SENTENCES
FILM_TRIPLES = [
    Triple("雾中渡", "导演", "林知远"),
    Triple("雾中渡", "编剧", "顾青禾"),
    Triple("雾中渡", "主演", "沈若汐"),
    Triple("林知远", "导演", "雾中渡"),
]
PERSON_TRIPLES = [Triple("林知远", "妻子", "顾青禾"), Triple("林知远", "首都", "松河市")]
COMPANY_TRIPLES = [
    Candidate(Triple("云岫科技", "创始人", "贺一鸣"), paraphrase=Triple("贺一鸣", "创办的公司", "云岫科技")),
    Candidate(Triple("云岫科技", "气味", "临澜")),
    Candidate(Triple("云岫科技", "气味", "贺一鸣")),
]
ROWS = [(FILM, FILM_TRIPLES), (PERSON, PERSON_TRIPLES), (COMPANY, COMPANY_TRIPLES), (FILM, FILM_TRIPLES[:2])]


@pytest.fixture(scope="module")
def verifier(tiny_folder):
    return OnnxVerifier(tiny_folder, threads=1)


def flat(rows):
    return [score for row in rows for score in row]


def assert_same(left, right):
    """Equal but for the last digit of rounding, which depends on how numbers are summed."""
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        assert a.text_score == pytest.approx(b.text_score, abs=2e-6)
        assert a.pair_score == pytest.approx(b.pair_score, abs=2e-6)
        assert (a.evidence, a.strategy) == (b.evidence, b.strategy)


def test_it_is_a_verifier(verifier):
    assert isinstance(verifier, Verifier)


def test_verdicts_are_those_of_the_candidates_in_order(verifier):
    verdicts = verifier.verify(FILM, FILM_TRIPLES)
    assert [v.candidate.triple for v in verdicts] == FILM_TRIPLES
    for verdict in verdicts:
        assert -1 <= verdict.text_score <= 1
        assert verdict.evidence
        assert all(0 <= start < end <= len(FILM) for start, end in verdict.evidence)


def test_the_word_that_denies_is_quoted_from_the_text_as_it_was_given(verifier):
    text = "林\u200b知远并不是《雾\u00ad中渡》的导\u200b演。"
    [verdict] = verifier.verify(text, [Triple("林知远", "执导作品", "雾中渡")])
    assert (verdict.modality.kind, verdict.reason) == ("denied", "denied in text")
    assert text[slice(*verdict.modality.cue)] == "不是"
    assert verdict.judged_as == ("雾中渡", "导演", "林知远")


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u200d", "\ufeff"])
def test_invisible_characters_change_no_verdict_and_stay_in_the_evidence(verifier, hidden):
    text = hidden + FILM.replace("雾中渡", f"雾{hidden}中渡").replace("执导", f"执{hidden}导")
    hide = [Triple(*(f"{part[0]}{hidden}{part[1:]}" for part in triple)) for triple in FILM_TRIPLES]
    plain = verifier.verify(FILM, FILM_TRIPLES)
    for text_, candidates in ((text, FILM_TRIPLES), (FILM, hide), (text, hide)):
        found = verifier.verify(text_, candidates)
        assert [verdict.candidate.triple for verdict in found] == candidates
        assert [v.judged_as for v in found] == [None] * len(found)
        for name in ("text_score", "pair_score", "probability", "outcome", "reason"):
            assert [getattr(v, name) for v in found] == [getattr(v, name) for v in plain]
        quotes = [[text_[start:end] for start, end in verdict.evidence] for verdict in found]
        assert [[quote.replace(hidden, "") for quote in row] for row in quotes] == [
            [FILM[start:end] for start, end in verdict.evidence] for verdict in plain
        ]


def test_a_name_of_invisible_characters_stands_nowhere(verifier):
    [verdict] = verifier.verify(FILM, [Triple("\u200b", "导演", "林知远")])
    assert verdict.reason == "subject not in text"


def test_scores_differ_between_candidates_and_texts(verifier):
    film, person = (
        [s.text_score for s in row] for row in verifier.score_many([(t, FILM_TRIPLES) for t in (FILM, PERSON)])
    )
    assert len(set(film)) == len(FILM_TRIPLES)
    assert not set(film) & set(person)


def test_a_batch_of_one_and_a_batch_of_64_give_the_same(tiny_folder, verifier):
    one = OnnxVerifier(tiny_folder, threads=1, batch_size=1)
    assert_same(flat(one.score_many(ROWS)), flat(verifier.score_many(ROWS)))


def test_texts_alone_and_together_give_the_same(verifier):
    alone = [verifier.score_many([row])[0] for row in ROWS]
    assert_same(flat(alone), flat(verifier.score_many(ROWS)))


def test_the_order_of_candidates_does_not_matter(verifier):
    expected = dict(zip(FILM_TRIPLES, verifier.score_many([(FILM, FILM_TRIPLES)])[0], strict=True))
    for order in itertools.permutations(FILM_TRIPLES):
        assert_same(verifier.score_many([(FILM, order)])[0], [expected[t] for t in order])


def test_texts_triples_and_pairs_are_run_once_each(tiny_folder, monkeypatch):
    verifier = OnnxVerifier(tiny_folder, threads=1)
    rows, states = {"encoder": 0, "pair": 0, "compare": 0}, []
    for name in rows:
        graph = getattr(verifier._scorer, name)

        def counted(graph=graph, name=name, run=graph.run, **arrays):
            states.extend([len(arrays["text_states"])] if name == "pair" else [])
            rows[name] += len(list(arrays.values())[-1])
            return run(**arrays)

        monkeypatch.setattr(graph, "run", counted)
    triple = FILM_TRIPLES[0]
    verifier.verify_many([(FILM, [triple, triple]), (FILM, [triple]), (PERSON, [triple])])
    assert states == [2]
    # Two texts, the triple and its paraphrase; each of the two triples in each of the two texts.
    assert rows == {"encoder": 4, "pair": 4, "compare": 2}


def test_a_paraphrase_by_synonym_shares_its_evidence(tiny_folder, monkeypatch):
    verifier = OnnxVerifier(tiny_folder, threads=1)
    featurizer, looked_up = verifier._scorer.featurizer, []
    evidence = featurizer.evidence

    def spy(text, triple):
        looked_up.append(triple)
        return evidence(text, triple)

    monkeypatch.setattr(featurizer, "evidence", spy)
    rows = [(FILM, [FILM_TRIPLES[0], FILM_TRIPLES[0]]), (PERSON, [FILM_TRIPLES[0]])]
    scores = verifier.score_many(rows)
    assert scores[0][0].strategy == "schema"
    assert looked_up == [FILM_TRIPLES[0]] * 2


def test_groups_bound_what_is_held_in_memory(monkeypatch, verifier):
    expected = verifier.score_many(ROWS)
    groups = []
    score = type(verifier._scorer).score

    def spy(self, rows, *strategies):
        groups.append(sum(len(candidates) for _, candidates in rows))
        return score(self, rows, *strategies)

    monkeypatch.setattr(type(verifier._scorer), "score", spy)
    monkeypatch.setattr(module, "MAX_GROUP_CANDIDATES", 6)
    assert_same(flat(verifier.score_many(ROWS)), flat(expected))
    assert groups == [6, 5]
    groups.clear()
    monkeypatch.setattr(module, "MAX_GROUP_TEXTS", 1)
    assert_same(flat(verifier.score_many(ROWS)), flat(expected))
    assert groups == [4, 2, 3, 2]


def test_pair_strategies(verifier):
    scores = verifier.score_many(
        [(COMPANY, COMPANY_TRIPLES), (COMPANY, COMPANY_TRIPLES[1:2]), (FILM, FILM_TRIPLES[:1])]
    )
    assert [[s.strategy for s in row] for row in scores] == [["paraphrase", "siblings", "siblings"], [None], ["schema"]]
    assert scores[1][0].pair_score is None
    assert scores[0][1].pair_score == pytest.approx(scores[0][2].pair_score, abs=2e-6)  # the tiny graph is symmetric


def test_the_best_sibling_counts(verifier):
    names = ["临澜", "贺一鸣", "董事长"]
    triples = [Triple("云岫科技", "气味", name) for name in names]
    three = verifier.score_many([(COMPANY, triples)])[0][0].pair_score
    two = [verifier.score_many([(COMPANY, [triples[0], other])])[0][0].pair_score for other in triples[1:]]
    assert three == pytest.approx(max(two), abs=2e-6)
    assert two[0] != two[1]


def test_long_texts_are_judged_in_the_window_that_holds_the_mentions(tmp_path):
    folder = tiny_model.build(tmp_path / "short", max_text_length=40)
    verifier = OnnxVerifier(folder, threads=1)
    padding = "填充，" * 60
    short = verifier.score_many([(FILM, FILM_TRIPLES[:2])])[0]
    long_text = padding + FILM + padding
    long = verifier.score_many([(long_text, FILM_TRIPLES[:2])])[0]
    for triple, score in zip(FILM_TRIPLES, long, strict=False):
        assert all(len(padding) - 40 <= start < end <= len(padding + FILM) + 40 for start, end in score.evidence), (
            triple
        )
    assert all(a.text_score != b.text_score for a, b in zip(short, long, strict=True))
    # Only the windows that are used are encoded, so what lies outside of them does not matter.
    further = verifier.score_many([(long_text + padding, FILM_TRIPLES[:2])])[0]
    assert_same(long, further)


def test_thresholds_of_the_folder_decide(tmp_path, verifier):
    scores = [s.text_score for s in verifier.score_many([(FILM, FILM_TRIPLES[:3])])[0]]
    threshold = float(np.mean(sorted(scores)[:2]))
    calibration = {"kind": "logistic", "text_weight": 2.0, "pair_weight": 0.0, "has_pair_weight": 0.0, "bias": 0.0}
    folder = tiny_model.build(tmp_path / "fitted", thresholds={"text_threshold": threshold, "calibration": calibration})
    verdicts = OnnxVerifier(folder, threads=1).verify(FILM, FILM_TRIPLES[:3])
    assert [v.supported for v in verdicts] == [score >= threshold for score in scores]
    assert sum(v.supported for v in verdicts) == 2
    for verdict in verdicts:
        assert verdict.probability == pytest.approx(1 / (1 + np.exp(-2 * verdict.text_score)))
    everything = load_verifier(folder, threads=1, rules=DecisionRules(text_threshold=-1.0)).verify(
        FILM, FILM_TRIPLES[:3]
    )
    assert all(v.supported for v in everything)


def test_checks_reject_and_still_show_scores(verifier):
    verdicts = verifier.verify(PERSON, [Triple("林知远", "妻子", "贺一鸣"), Triple("林知远", "气味", "顾青禾")])
    assert [v.reason for v in verdicts] == ["object not in text", "predicate not in schema"]
    assert all(v.text_score is not None and v.evidence for v in verdicts)


def test_names_are_judged_as_the_text_writes_them(verifier):
    text = "《雾 中渡》由卡洛斯•门\n德斯执导，上映于 1998 年。"
    written = [Triple("雾 中渡", "导演", "卡洛斯•门\n德斯"), Triple("雾 中渡", "上映时间", "1998 年")]
    given = [Triple("雾中渡", "导演", "卡洛斯·门德斯"), Triple("雾中渡", "上映时间", "1998年")]
    assert_same(verifier.score_many([(text, given)])[0], verifier.score_many([(text, written)])[0])
    assert [verdict.candidate.triple for verdict in verifier.verify(text, given)] == given
    spans = verifier.verify(text, given)[0].evidence
    assert "卡洛斯•门\n德斯" in [text[start:end] for start, end in spans]


@pytest.mark.parametrize("names", [("Café", "José"), ("가나다", "김철수"), ("雾中渡\ufe0f", "が")])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_evidence_holds_decomposed_characters_whole(verifier, names, form):
    text = unicodedata.normalize(form, f"《{names[0]}》由{names[1]}执导。")
    for spelling in ("NFC", "NFD"):
        said = [unicodedata.normalize(spelling, name) for name in names]
        [verdict] = verifier.verify(text, [Triple(said[0], "导演", said[1])])
        quoted = [unicodedata.normalize("NFC", text[start:end]) for start, end in verdict.evidence]
        assert quoted[:2] == [unicodedata.normalize("NFC", name) for name in names]


def test_nothing_to_judge(verifier):
    assert verifier.verify(FILM, []) == []
    assert verifier.verify_many([]) == []
    assert [len(row) for row in verifier.verify_many([(FILM, []), (FILM, FILM_TRIPLES[:1]), (PERSON, [])])] == [0, 1, 0]


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "𠀀𠀁", "e\u0301", "完\u200b全未知", "\ufeff" + FILM, "？" * 500])
def test_odd_texts_are_judged(verifier, text):
    (verdict,) = verifier.verify(text, [Triple("a\x00b", "导演", "𠀀" * 200)])
    assert verdict.outcome == "rejected"
    assert np.isfinite(verdict.text_score)


@pytest.mark.parametrize(
    ("text", "candidates", "message"),
    [
        ("", FILM_TRIPLES, "text: expected a non-empty string"),
        (" \n", FILM_TRIPLES, "text: expected a non-empty string"),
        (None, FILM_TRIPLES, "text: expected a non-empty string"),
        ("字" * 100_001, FILM_TRIPLES, "100001 characters, at most 100000"),
        ("坏\ud800", FILM_TRIPLES, "text: lone surrogate"),
        (FILM, [("雾中渡", "导演")], r"candidate: expected \[subject, predicate, object\]"),
        (FILM, [Triple("雾中渡", "导演", "")], "candidate: object must be a non-empty string"),
        (FILM, [Candidate(Triple("雾中渡", "导演", "\udc00"))], "triple: lone surrogate"),
        (FILM, FILM_TRIPLES[:1] * 1001, "candidates: 1001 for one text, at most 1000"),
    ],
)
def test_malformed_input_is_a_data_error(verifier, text, candidates, message):
    with pytest.raises(DataError, match=message):
        verifier.verify(text, candidates)


@pytest.mark.parametrize("options", [{"threads": 0}, {"batch_size": 0}])
def test_numbers_below_one_are_refused(tiny_folder, options):
    with pytest.raises(ConfigError, match="must be at least 1, got 0"):
        OnnxVerifier(tiny_folder, **options)
