"""Lists as an LLM gives them become lists that training can use, and nothing vanishes."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.data.guard import FalseNegativeGuard
from cacre.data.normalisation import normalise_name
from cacre.data.rows import parse_row
from cacre.extraction.contrastive_lists import Dropped, repair_lists
from cacre.extraction.values import ParsedAnswer, SaidTriple
from cacre.schema import RelationType, Schema
from cacre.types import Triple

SCHEMA = Schema.of(
    "films",
    [
        RelationType("导演", "影视作品", "人物", ("执导者", "执导"), ("执导作品",), co_holds=frozenset(["编剧"])),
        RelationType("编剧", "影视作品", "人物", synonyms=("剧本作者",), near_misses=("主演",)),
        RelationType("主演", "影视作品", "人物", synonyms=("领衔主演",)),
        RelationType("丈夫", "人物", "人物", synonyms=("配偶",), inverse_relation="妻子"),
        RelationType("妻子", "人物", "人物", synonyms=("配偶",), inverse_relation="丈夫"),
        RelationType("同学", "人物", "人物", synonyms=("同窗",), symmetric=True),
        RelationType("出品公司", "影视作品", "企业"),
    ],
)
TEXT = "《雾中渡》由林知远执导，顾青禾编剧，沈若汐主演，云岫影业出品。程以南的妻子是许棠。"
DIRECTED = ("雾中渡", "导演", "林知远")
WROTE = ("雾中渡", "编剧", "顾青禾")
STARS = ("雾中渡", "主演", "沈若汐")
DIRECTOR = ("林知远", "执导作品", "雾中渡")
WRITER = ("雾中渡", "剧本作者", "顾青禾")
STAR = ("雾中渡", "领衔主演", "沈若汐")
WRONG_DIRECTOR = ("雾中渡", "导演", "沈若汐")
WRONG_WRITER = ("许棠", "编剧", "顾青禾")
WRONG_STAR = ("雾中渡", "主演", "顾青禾")


def said(*triples):
    return tuple(SaidTriple(Triple(*triple)) for triple in triples)


def repaired(anchors, positives, negatives, **options):
    return repair_lists(ParsedAnswer(said(*anchors), said(*positives), said(*negatives)), TEXT, SCHEMA, **options)


def test_good_lists_stay_as_they_are():
    lists = repaired([DIRECTED, WROTE], [DIRECTOR, WRITER], [WRONG_DIRECTOR, WRONG_WRITER])
    assert lists.anchors == (DIRECTED, WROTE)
    assert lists.positives == (DIRECTOR, WRITER)
    assert lists.negatives == (WRONG_DIRECTOR, WRONG_WRITER)
    assert lists.paraphrase_kinds == ("inverse", "synonym")
    assert lists.repairs == {} and lists.dropped == ()


def test_entities_are_snapped_and_negatives_may_have_others():
    answer = [("《雾中渡》", "导演", "林 知远")], [DIRECTOR], [("雾中渡", "导演", "宋砚")]
    lists = repaired(*answer)
    assert lists.anchors == (DIRECTED,)
    assert lists.negatives == (("雾中渡", "导演", "宋砚"),)
    assert lists.repairs == {"entity snapped": 2}
    assert repaired(*answer, strict_entities=True).repairs["negative entity not in text"] == 1


def test_anchors_and_positives_that_are_not_in_the_text():
    absent = ("远山", "导演", "林知远")
    lists = repaired([absent, DIRECTED], [("远山", "执导者", "林知远"), DIRECTOR], [WRONG_STAR, WRONG_DIRECTOR])
    assert lists.anchors == (DIRECTED,)
    assert lists.dropped == (
        Dropped("anchors", absent, "anchor entity not in text"),
        Dropped("positives", ("远山", "执导者", "林知远"), "positive entity not in text"),
        Dropped("negatives", WRONG_STAR, "negative without anchor"),
    )


def test_predicates_of_anchors():
    spoken = ("雾中渡", "执导者", "林知远")
    unsure, unknown = ("程以南", "配偶", "许棠"), ("林知远", "朋友", "许棠")
    lists = repaired([spoken, unsure, unknown], [DIRECTOR], [WRONG_DIRECTOR])
    assert lists.anchors == (DIRECTED,)
    assert lists.repairs == {"anchor predicate canonicalised": 1, "anchor predicate not in schema": 2}
    assert [item.triple for item in lists.dropped] == [unsure, unknown]


def test_duplicate_anchors():
    again = ("《雾中渡》", "执导者", "林知远")
    lists = repaired([DIRECTED, again], [DIRECTOR], [WRONG_DIRECTOR])
    assert lists.anchors == (DIRECTED,)
    assert lists.dropped == (Dropped("anchors", again, "anchor duplicate"),)


def test_lists_out_of_step():
    lists = repaired([DIRECTED, WROTE, STARS], [STAR, DIRECTOR], [WRONG_STAR, WRONG_WRITER, WRONG_DIRECTOR])
    assert lists.positives == (DIRECTOR, ("雾中渡", "剧本作者", "顾青禾"), STAR)
    assert lists.repairs == {"positive realigned": 2, "positive made from schema": 1}
    # Each negative shares a part with the anchor of its index, so that the order stays.
    assert lists.negatives == (WRONG_STAR, WRONG_WRITER, WRONG_DIRECTOR)


def test_negatives_go_to_the_anchor_with_which_they_share_most():
    married = ("程以南", "妻子", "许棠")
    negatives = [("程以南", "妻子", "沈若汐"), ("云岫影业", "主演", "林知远"), ("林知远", "编剧", "顾青禾")]
    lists = repaired([DIRECTED, WROTE, married], [DIRECTOR, WRITER, ("许棠", "丈夫", "程以南")], negatives)
    assert lists.negatives == (negatives[1], negatives[2], negatives[0])
    assert lists.repairs == {"negative realigned": 3}


def test_a_negative_that_shares_nothing_goes_by_its_index():
    strange = ("程以南", "同学", "沈若汐")
    lists = repaired([DIRECTED, WROTE], [DIRECTOR, WRITER], [strange, WRONG_WRITER])
    assert lists.negatives == (strange, WRONG_WRITER)
    assert lists.repairs == {}


def test_positives_of_one_pair_of_entities_are_told_apart_by_the_schema():
    both = [("雾中渡", "导演", "林知远"), ("雾中渡", "编剧", "林知远")]
    lists = repaired(both, [("雾中渡", "剧本作者", "林知远"), DIRECTOR], [WRONG_DIRECTOR, WRONG_STAR])
    assert lists.positives == (DIRECTOR, ("雾中渡", "剧本作者", "林知远"))


@pytest.mark.parametrize(
    ("positive", "reason"),
    [
        (DIRECTED, "positive equal to anchor"),
        (("《雾中渡》", "导演", "林知远"), "positive equal to anchor"),
        (("雾中渡", "主演", "林知远"), "positive says another relation"),
        (("林知远", "导演", "雾中渡"), "positive says another relation"),
        (("雾中渡", "执导者", "沈若汐"), "positive without anchor"),
    ],
)
def test_a_positive_that_is_none_is_replaced_from_the_schema(positive, reason):
    lists = repaired([DIRECTED], [positive], [WRONG_DIRECTOR])
    assert lists.positives == (("雾中渡", "执导者", "林知远"),)
    assert lists.dropped == (Dropped("positives", positive, reason),)
    assert lists.repairs["positive made from schema"] == 1


@pytest.mark.parametrize("predicate", ["执导者", "掌镜人", "执导作品"])
def test_any_word_the_schema_does_not_give_another_sense_is_a_paraphrase(predicate):
    for positive in (("雾中渡", predicate, "林知远"), ("林知远", predicate, "雾中渡")):
        lists = repaired([DIRECTED], [positive], [WRONG_DIRECTOR])
        assert lists.positives == (positive,)


def test_an_anchor_of_which_the_schema_knows_no_paraphrase():
    made = ("雾中渡", "出品公司", "云岫影业")
    lists = repaired([made, DIRECTED], [made, DIRECTOR], [("雾中渡", "出品公司", "云岫"), WRONG_DIRECTOR])
    assert lists.anchors == (DIRECTED,)
    reasons = ("positive equal to anchor", "anchor without positive", "negative without anchor")
    assert lists.repairs == dict.fromkeys(reasons, 1)


@pytest.mark.parametrize(
    ("anchor", "positive", "negative", "reason"),
    [
        (DIRECTED, DIRECTOR, ("雾中渡", "执导者", "林知远"), "known"),
        (DIRECTED, ("雾中渡", "掌镜人", "林知远"), ("雾中渡", "掌镜人", "林知远"), "known"),
        (DIRECTED, DIRECTOR, ("林知远", "执导", "雾中渡"), "known, said from the object"),
        (("程以南", "妻子", "许棠"), ("程以南", "配偶", "许棠"), ("许棠", "丈夫", "程以南"), "inverse"),
        (("程以南", "同学", "许棠"), ("程以南", "同窗", "许棠"), ("许棠", "同学", "程以南"), "symmetric"),
    ],
)
def test_negatives_that_may_be_true_are_dropped_with_their_anchor(anchor, positive, negative, reason):
    lists = repaired([anchor], [positive], [negative])
    assert lists.anchors == ()
    assert lists.dropped == (
        Dropped("negatives", negative, f"negative is {reason}"),
        Dropped("anchors", anchor, "anchor without negative"),
        Dropped("positives", positive, "positive without anchor"),
    )


def test_what_the_llm_calls_wrong_may_be_a_relation_that_often_holds_too():
    wrong = ("雾中渡", "编剧", "林知远")
    assert repaired([DIRECTED], [DIRECTOR], [wrong]).negatives == (wrong,)


def test_a_negative_that_says_another_anchor():
    lists = repaired([DIRECTED, WROTE], [DIRECTOR, WRITER], [WROTE, WRONG_WRITER])
    assert lists.anchors == (WROTE,)
    assert lists.repairs["negative is known"] == 1


def test_missing_negatives_are_made_where_that_is_asked_for():
    lists = repaired([DIRECTED, WROTE], [DIRECTOR], [WROTE], fill=Random(3))
    assert lists.anchors == (DIRECTED, WROTE)
    assert lists.repairs == {"negative is known": 1, "positive made from schema": 1, "negative generated": 2}
    assert lists == repaired([DIRECTED, WROTE], [DIRECTOR], [WROTE], fill=Random(3))


def test_what_is_there_is_not_made_again():
    chance = Random(3)
    before = chance.getstate()
    lists = repaired([DIRECTED], [DIRECTOR], [WRONG_DIRECTOR], fill=chance)
    assert lists.negatives == (WRONG_DIRECTOR,)
    assert chance.getstate() == before


def test_a_negative_made_here_is_no_fact_that_was_said():
    # The first anchor is dropped, the third with another subject would say it.
    true = ("雾中渡", "出品公司", "云岫影业")
    anchors = [true, DIRECTED, ("程以南", "出品公司", "云岫影业")]
    positives = [DIRECTOR, ("程以南", "出品方", "云岫影业")]
    for seed in range(40):
        lists = repaired(anchors, positives, [], fill=Random(seed))
        assert len(lists.negatives) == 2 and true not in lists.negatives


def test_what_is_made_here_is_snapped_too():
    text = "《雾中》渡由林知远执导"
    answer = ParsedAnswer(said(("《雾中》渡", "导演", "林知远")))
    seen = set()
    for seed in range(60):
        lists = repair_lists(answer, text, SCHEMA, fill=Random(seed))
        seen.update(negative.subject for negative in lists.negatives)
    assert "雾中" in seen and "《雾中》" not in seen


def test_a_spare_negative_takes_the_place_of_a_refused_one():
    positive = ("雾中渡", "掌镜人", "林知远")
    lists = repaired([DIRECTED], [positive], [positive, WRONG_DIRECTOR])
    assert lists.negatives == (WRONG_DIRECTOR,)
    assert lists.repairs == {"negative is known": 1, "negative realigned": 1}


def test_a_synonym_that_differs_by_case_is_no_paraphrase():
    schema = Schema.of("case", [RelationType("director", "film", "person", synonyms=("Director",))])
    lists = repair_lists(ParsedAnswer(said(("Mist", "director", "Lin"))), "Mist by Lin", schema, fill=Random(0))
    assert lists.repairs == {"anchor without positive": 1}


ENTITIES = st.sampled_from(
    ["雾中渡", "《雾中渡》", "林知远", "林 知远", "沈若汐", "程以南", "许棠", "云岫影业", "宋砚"]
)
PREDICATES = st.sampled_from(
    ["导演", "执导", "执导作品", "编剧", "剧本作者", "主演", "丈夫", "妻子", "配偶", "同学", "同窗", "出品公司", "朋友"]
)
TRIPLES = st.lists(st.builds(Triple, ENTITIES, PREDICATES, ENTITIES), max_size=6)
FILLS = st.none() | st.integers(0, 9).map(Random)


@given(TRIPLES, TRIPLES, TRIPLES, FILLS, st.booleans())
def test_repaired_lists_are_fit_for_training(anchors, positives, negatives, fill, strict):
    lists = repaired(anchors, positives, negatives, fill=fill, strict_entities=strict)
    row = {"text": TEXT, "anchors": lists.anchors, "positives": lists.positives, "negatives": lists.negatives}
    parse_row(row, "contrastive")
    assert len(lists.paraphrase_kinds) == len(lists.anchors) == len(set(lists.anchors))
    for anchor, positive, kind in zip(lists.anchors, lists.positives, lists.paraphrase_kinds, strict=True):
        assert anchor.predicate in SCHEMA and anchor.subject in TEXT and anchor.object in TEXT
        pair = [normalise_name(anchor.subject), normalise_name(anchor.object)]
        other = [normalise_name(positive.subject), normalise_name(positive.object)]
        assert other == (pair if kind == "synonym" else pair[::-1])
        assert positive != anchor
    guard = FalseNegativeGuard(SCHEMA, (*lists.anchors, *lists.positives))
    assert not {guard.reject_reason(negative) for negative in lists.negatives} & {"known", "inverse", "symmetric"}


@given(TRIPLES, TRIPLES, TRIPLES, FILLS, st.booleans())
def test_nothing_vanishes(anchors, positives, negatives, fill, strict):
    lists = repaired(anchors, positives, negatives, fill=fill, strict_entities=strict)
    made = {"positives": "positive made from schema", "negatives": "negative generated"}
    for name, triples in {"anchors": anchors, "positives": positives, "negatives": negatives}.items():
        dropped = Counter(item.triple for item in lists.dropped if item.list_name == name)
        kept = Counter(triples) - dropped
        assert not dropped - Counter(triples)
        assert kept.total() == len(getattr(lists, name)) - lists.repairs.get(made.get(name), 0)
        ends = {frozenset([_bare(t.subject), _bare(t.object)]) for t in getattr(lists, name)}
        assert all(frozenset([_bare(t.subject), _bare(t.object)]) in ends for t in kept)
    reasons = Counter(item.reason for item in lists.dropped)
    assert all(lists.repairs[reason] == count for reason, count in reasons.items())


def _bare(name):
    return normalise_name(name).replace(" ", "")


@given(TRIPLES, TRIPLES, TRIPLES, FILLS)
def test_repairing_again_changes_nothing(anchors, positives, negatives, fill):
    once = repaired(anchors, positives, negatives, fill=fill)
    again = repaired(once.anchors, once.positives, once.negatives)
    assert (again.anchors, again.positives, again.negatives) == (once.anchors, once.positives, once.negatives)
    assert again.repairs == {} and again.dropped == ()
