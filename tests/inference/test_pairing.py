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
