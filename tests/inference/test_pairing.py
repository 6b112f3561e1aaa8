import pytest

from cacre.inference.pairing import MAX_SIBLINGS, Companions, plan_companions
from cacre.schema import load_schema
from cacre.types import Candidate, Triple

SCHEMA = load_schema("duie")
DIRECTED = Triple("雾中渡", "导演", "林知远")


def test_the_extractors_paraphrase_comes_first():
    paraphrase = Triple("林知远", "执导的电影", "雾中渡")
    assert plan_companions([Candidate(DIRECTED, paraphrase=paraphrase)], SCHEMA) == [
        Companions("paraphrase", (paraphrase,))
    ]


def test_a_paraphrase_that_repeats_the_candidate_is_passed_over():
    (plan,) = plan_companions([Candidate(DIRECTED, paraphrase=DIRECTED)], SCHEMA)
    assert plan == Companions("schema", (SCHEMA.paraphrase(DIRECTED),))


@pytest.mark.parametrize(
    "made", [Triple("雾中渡", "执导者", "林知远"), SCHEMA.paraphrase(DIRECTED)], ids=["synonym", "made"]
)
def test_a_paraphrase_in_the_schemas_own_words_counts_as_made_from_the_schema(made):
    (plan,) = plan_companions([Candidate(DIRECTED, paraphrase=made)], SCHEMA)
    assert plan == Companions("schema", (made,))
    (alone,) = plan_companions([Candidate(DIRECTED, paraphrase=made)], SCHEMA, ("paraphrase",))
    assert alone == Companions("paraphrase", (made,))


def test_an_inverse_of_the_schema_says_the_same_and_a_near_miss_does_not():
    (inverse, *_) = SCHEMA["导演"].inverses
    assert SCHEMA.says_the_same(DIRECTED, Triple("林知远", inverse, "雾中渡"))
    for other in (
        Triple("雾中渡", inverse, "林知远"),
        Triple("林知远", "执导者", "雾中渡"),
        Triple("雾中渡", "编剧", "林知远"),
        Triple("雾中渡", "导演", "沈若汐"),
    ):
        assert not SCHEMA.says_the_same(DIRECTED, other)
    assert not SCHEMA.says_the_same(Triple("甲", "气味", "乙"), Triple("甲", "气味", "乙"))


def test_siblings_share_the_predicate_and_are_not_the_candidate():
    names = [
        Triple("甲", "气味", "乙"),
        Triple("甲", "气味", "丙"),
        Triple("甲", "质地", "丁"),
        Triple("甲", "气味", "乙"),
    ]
    plans = plan_companions([Candidate(t) for t in names], SCHEMA)
    assert [p.triples for p in plans] == [(names[1],), (names[0],), (), (names[1],)]
    assert [p.strategy for p in plans] == ["siblings", "siblings", None, "siblings"]


def test_siblings_are_bounded_and_do_not_depend_on_order():
    candidates = [Candidate(Triple("甲", "气味", f"丙{i}")) for i in range(3 * MAX_SIBLINGS)]
    plans = plan_companions(candidates, SCHEMA)
    assert {len(p.triples) for p in plans} == {MAX_SIBLINGS}
    assert plan_companions(candidates[::-1], SCHEMA) == plans[::-1]
