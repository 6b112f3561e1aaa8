"""The guard never lets through what is known or follows from it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.data.guard import FalseNegativeGuard, GuardReport
from cacre.schema import RelationType, Schema
from cacre.types import Triple

SCHEMA = Schema.of(
    "small",
    [
        RelationType("丈夫", "人物", "人物", synonyms=("老公", "配偶"), inverse_relation="妻子"),
        RelationType("妻子", "人物", "人物", synonyms=("太太", "配偶"), inverse_relation="丈夫"),
        RelationType("父亲", "人物", "人物", inverses=("儿子", "女儿"), near_misses=("母亲",)),
        RelationType("母亲", "人物", "人物", inverses=("儿子", "女儿")),
        RelationType(
            "导演", "影视作品", "人物", synonyms=("执导者",), inverses=("执导作品",), co_holds=frozenset(["编剧"])
        ),
        RelationType("编剧", "影视作品", "人物"),
        RelationType("同学", "人物", "人物", symmetric=True),
    ],
)


def reason(candidate, *known):
    return FalseNegativeGuard(SCHEMA, [Triple(*triple) for triple in known]).reject_reason(Triple(*candidate))


def test_known_triples_in_any_dress():
    assert reason(("长夜", "导演", "李默"), ("长夜", "导演", "李默")) == "known"
    assert reason((" 《长夜》", "执导者", "LI Mo"), ("长夜", "导演", "li mo ")) == "known"
    assert reason(("甲", "妻子", "乙"), ("甲", "配偶", "乙")) == "known"
    assert reason(("甲", "故乡", "乙"), ("甲", "故乡", "《乙》")) == "known"


def test_inverses_both_ways_and_through_synonyms():
    assert reason(("乙", "妻子", "甲"), ("甲", "丈夫", "乙")) == "inverse"
    assert reason(("乙", "太太", "甲"), ("甲", "老公", "乙")) == "inverse"
    assert reason(("李默", "执导作品", "长夜"), ("长夜", "导演", "李默")) == "inverse"
    assert reason(("长夜", "导演", "李默"), ("李默", "执导作品", "《长夜》")) == "inverse"


def test_an_ambiguous_phrase_bars_what_it_follows_from_only():
    assert reason(("赵甲", "儿子", "赵乙"), ("赵乙", "母亲", "赵甲")) == "inverse"
    assert reason(("赵乙", "父亲", "赵甲"), ("赵乙", "母亲", "赵甲"), ("赵甲", "儿子", "赵乙")) is None


def test_symmetric_relations_turned_round():
    assert reason(("乙", "同学", "甲"), ("甲", "同学", "乙")) == "symmetric"


def test_relations_that_hold_together_in_both_orders():
    assert reason(("长夜", "编剧", "李默"), ("长夜", "导演", "李默")) == "co_holding"
    assert reason(("长夜", "导演", "李默"), ("长夜", "编剧", "李默")) == "co_holding"
    assert reason(("李默", "编剧", "长夜"), ("长夜", "导演", "李默")) == "co_holding"
    assert reason(("长夜", "编剧", "李默"), ("长夜", "执导者", "李默")) == "co_holding"


def test_an_ambiguous_synonym_bars_both_readings_unless_the_text_says_which():
    assert reason(("甲", "丈夫", "乙"), ("甲", "配偶", "乙")) == "known"
    spouses = (("乙", "妻子", "甲"), ("甲", "配偶", "乙"))
    assert reason(("甲", "丈夫", "乙"), *spouses) == "inverse"
    assert reason(("甲", "配偶", "乙"), *spouses) is not None
    assert reason(("甲", "妻子", "乙"), *spouses) is None


def test_what_holds_under_one_name_holds_under_the_other():
    known = (("青禾有限公司", "简称", "青禾"), ("青禾", "别名", "老青禾"), ("青禾有限公司", "导演", "李默"))
    assert reason(("青禾", "导演", "李默"), *known) == "known"
    assert reason(("《老青禾》", "执导者", "李默"), *known) == "known"
    assert reason(("青禾", "简称", "青禾有限公司"), *known) is None
    assert reason(("青禾", "父亲", "李默"), *known) is None


def test_wrong_triples_pass():
    known = ("长夜", "导演", "李默")
    assert reason(("李默", "导演", "长夜"), known) is None
    assert reason(("长夜", "编剧", "苏禾"), known) is None
    assert reason(("甲", "丈夫", "乙"), ("乙", "丈夫", "甲")) is None
    assert reason(("甲", "父亲", "乙"), ("甲", "母亲", "乙")) is None


names = st.sampled_from("甲乙丙")
triples = st.builds(Triple, names, st.sampled_from(list(SCHEMA.relations)), names)


@settings(max_examples=50)
@given(st.lists(triples, min_size=1, max_size=5), st.data())
def test_what_is_implied_never_passes(known, data):
    guard = FalseNegativeGuard(SCHEMA, known)
    fact = data.draw(st.sampled_from(known))
    relation = SCHEMA[fact.predicate]
    assert guard.reject_reason(fact) == "known"
    for inverse in SCHEMA.inverse_triples(fact):
        assert guard.reject_reason(inverse) is not None
    for name in (*relation.co_holds, *relation.synonyms):
        assert guard.reject_reason(fact._replace(predicate=name)) is not None
    for name in relation.inverses:
        assert guard.reject_reason(Triple(fact.object, name, fact.subject)) is not None


def test_a_word_used_both_ways_bars_nothing_in_the_other_direction():
    schema = Schema.of("s", [RelationType("导演", "影视作品", "人物", synonyms=("执导",), inverses=("执导",))])
    guard = FalseNegativeGuard(schema, [Triple("雾中渡", "执导", "林知远")])
    assert guard.reject_reason(Triple("林知远", "导演", "雾中渡")) is None
    assert guard.reject_reason(Triple("林知远", "执导", "雾中渡")) == "inverse"


def test_reports_add_up():
    total = GuardReport({"swap_roles": 2}, {"known": 1}) + GuardReport({"swap_roles": 1, "trim_boundary": 3}, {})
    assert total == GuardReport({"swap_roles": 3, "trim_boundary": 3}, {"known": 1})
    assert total.drop_rate == 1 / 7
    assert GuardReport().drop_rate == 0.0


def test_known_triples_in_the_other_script_and_width():
    known = ("雾中渡", "导演", "顾青禾")
    assert reason(("霧中渡", "導演", "顧青禾"), known) == "known"
    assert reason(known, ("霧中渡", "執導者", "顧青禾")) == "known"
    assert reason(("顧青禾", "執導作品", "霧中渡"), known) == "inverse"
    assert reason(("霧中渡", "編劇", "顧青禾"), known) == "co_holding"
    assert reason(("霧中渡", "導演", "林知遠"), known) is None
    latin = Schema.of("latin", [RelationType("CEO", "企业", "人物")])
    guard = FalseNegativeGuard(latin, [Triple("云岫科技", "CEO", "贺一鸣")])
    assert guard.reject_reason(Triple("雲岫科技", "ＣＥＯ ", "賀一鳴")) == "known"
