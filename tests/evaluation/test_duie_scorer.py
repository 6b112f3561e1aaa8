"""The official rules, one by one, on texts of our own with counts worked out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.errors import ConfigError, DataError
from cacre.evaluation import count_texts, score, score_by_relation

TEXT = "《晚潮》由周一鸣导演，沈青主演，2011年在香港上映。"
OTHER = "沈青毕业于南岭大学。"


def counts(predictions, gold, mode="flat", aliases=None):
    result = score(predictions, gold, mode, aliases)
    return result.correct, result.predicted, result.gold, result.correct_gold


def test_scores_worked_by_hand():
    gold = {TEXT: [("晚潮", "导演", "周一鸣"), ("晚潮", "主演", "沈青")], OTHER: [("沈青", "毕业院校", "南岭大学")]}
    predictions = {TEXT: [("晚潮", "导演", "周一鸣"), ("晚潮", "编剧", "周一鸣")]}
    result = score(predictions, gold)
    assert (result.correct, result.predicted, result.gold, result.correct_gold) == (1, 2, 3, 1)
    assert result.precision == 1 / 2
    assert result.recall == 1 / 3
    assert result.f1 == pytest.approx(0.4)


def test_a_missing_text_lowers_recall_only():
    assert counts({}, {TEXT: [("晚潮", "导演", "周一鸣")]}) == (0, 0, 1, 0)


def test_predictions_for_a_text_outside_gold_are_ignored():
    triple = ("晚潮", "导演", "周一鸣")
    assert counts({TEXT: [triple], OTHER: [triple, ("甲", "号", "乙")]}, {TEXT: [triple]}) == (1, 1, 1, 1)


def test_texts_join_by_the_exact_string():
    triple = ("晚潮", "导演", "周一鸣")
    assert counts({TEXT + " ": [triple]}, {TEXT: [triple]}) == (0, 0, 1, 0)


def test_of_a_repeated_text_the_last_row_counts_on_both_sides():
    right, wrong = ("晚潮", "导演", "周一鸣"), ("晚潮", "导演", "沈青")
    assert counts([(TEXT, [right]), (TEXT, [wrong])], [(TEXT, [right])]) == (0, 1, 1, 0)
    assert counts([(TEXT, [right])], [(TEXT, [wrong, right]), (TEXT, [right])]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("predicted", "same"),
    [
        (("《晚潮》", "导演", "Zhou Y"), True),
        (("晚潮", "导演", "《ZHOU Y》"), True),
        (("《晚潮", "导演", "zhou y"), False),  # a lone mark stays
        (("《《晚潮》》", "导演", "zhou y"), False),  # one pair is removed, not two
        (("晚潮 ", "导演", "zhou y"), False),  # no trimming
        (("晚潮", "导演", "ｚhou y"), False),  # no width folding
        (("晚潮", "《导演》", "zhou y"), False),  # predicates are taken as they are
    ],
)
def test_normalisation(predicted, same):
    assert counts({TEXT: [predicted]}, {TEXT: [("晚潮", "导演", "zhou y")]})[0] == int(same)


def test_predicates_are_not_lower_cased():
    assert counts({TEXT: [("a", "Director", "b")]}, {TEXT: [("a", "director", "b")]}) == (0, 1, 1, 0)


def test_duplicates_count_once_after_normalisation():
    repeated = [("晚潮", "导演", "周一鸣"), ("《晚潮》", "导演", "周一鸣")]
    assert counts({TEXT: repeated}, {TEXT: repeated}) == (1, 1, 1, 1)


def test_the_same_triple_in_two_texts_counts_twice():
    rows = {TEXT: [("晚潮", "导演", "周一鸣")], OTHER: [("晚潮", "导演", "周一鸣")]}
    assert counts(rows, rows) == (2, 2, 2, 2)


def test_strict_wants_all_slots_and_gives_no_partial_credit():
    full = ("晚潮", "上映时间", {"@value": "2011年", "inArea": "香港"})
    for predicted in (
        ("晚潮", "上映时间", "2011年"),
        ("晚潮", "上映时间", {"@value": "2011年"}),
        ("晚潮", "上映时间", {"@value": "2011年", "inArea": "澳门"}),
        ("晚潮", "上映时间", {"@value": "2011年", "inArea": "香港", "period": "1"}),
        ("晚潮", "上映时间", {"@value": "2011年", "inarea": "香港"}),
    ):
        assert counts({TEXT: [predicted]}, {TEXT: [full]}, "strict") == (0, 1, 1, 0)
        assert counts({TEXT: [predicted]}, {TEXT: [full]}, "flat") == (1, 1, 1, 1)
    reordered = ("晚潮", "上映时间", {"inArea": "《香港》", "@value": "2011年"})
    assert counts({TEXT: [reordered]}, {TEXT: [full]}, "strict") == (1, 1, 1, 1)


def test_a_string_object_is_the_value_slot_alone():
    gold = {TEXT: [("晚潮", "导演", {"@value": "周一鸣"})]}
    assert counts({TEXT: [("晚潮", "导演", "周一鸣")]}, gold, "strict") == (1, 1, 1, 1)


def test_flat_merges_spos_that_differ_in_slots_only():
    gold = {TEXT: [("沈青", "获奖", {"@value": "金桂奖", "onDate": d}) for d in ("2011年", "2012年")]}
    assert counts(gold, gold, "flat") == (1, 1, 1, 1)
    assert counts(gold, gold, "strict") == (2, 2, 2, 2)


def test_subject_aliases_count_from_the_target_side():
    # precision looks a prediction up in gold (aliases of the predicted name), recall looks gold up in the predictions
    predictions, gold = {TEXT: [("夜潮", "导演", "周一鸣")]}, {TEXT: [("晚潮", "导演", "周一鸣")]}
    assert counts(predictions, gold, aliases={"夜潮": {"晚潮"}}) == (1, 1, 1, 0)
    assert counts(predictions, gold, aliases={"晚潮": {"夜潮"}}) == (0, 1, 1, 1)
    assert counts(predictions, gold, aliases={"晚潮": {"夜潮"}, "夜潮": {"晚潮"}}) == (1, 1, 1, 1)


def test_the_two_numerators_give_precision_and_recall_of_their_own():
    result = score(
        {TEXT: [("夜潮", "导演", "周一鸣")]}, {TEXT: [("晚潮", "导演", "周一鸣")]}, aliases={"夜潮": {"晚潮"}}
    )
    assert (result.precision, result.recall, result.f1) == (1.0, 0.0, 0.0)


def test_object_aliases_need_both_directions():
    predictions, gold = {TEXT: [("晚潮", "导演", "一鸣")]}, {TEXT: [("晚潮", "导演", "周一鸣")]}
    assert counts(predictions, gold, aliases={"一鸣": {"周一鸣"}}) == (0, 1, 1, 0)
    assert counts(predictions, gold, aliases={"周一鸣": {"一鸣"}}) == (0, 1, 1, 0)
    assert counts(predictions, gold, aliases={"一鸣": {"周一鸣"}, "周一鸣": {"一鸣"}}) == (1, 1, 1, 1)


def test_aliases_reach_into_every_slot_but_not_into_the_predicate():
    both = {"港": {"香港"}, "香港": {"港"}, "导演": {"执导"}, "执导": {"导演"}}
    left, right = ({"@value": "2011年", "inArea": area} for area in ("港", "香港"))
    aliased = counts({TEXT: [("晚潮", "上映时间", left)]}, {TEXT: [("晚潮", "上映时间", right)]}, "strict", both)
    assert aliased == (1, 1, 1, 1)
    assert counts({TEXT: [("晚潮", "执导", "甲")]}, {TEXT: [("晚潮", "导演", "甲")]}, aliases=both) == (0, 1, 1, 0)


def test_aliases_are_matched_in_lower_case():
    predictions, gold = {TEXT: [("NIGHT", "导演", "甲")]}, {TEXT: [("Late", "导演", "甲")]}
    assert counts(predictions, gold, aliases={"Night": {"LATE"}})[0] == 1


def test_duplicates_under_aliases_depend_on_the_order():
    # an SPO is dropped if it matches one already kept, and subject aliases count from the newcomer's side only
    first, second = ("晚潮", "导演", "周一鸣"), ("夜潮", "导演", "周一鸣")
    one_way = {"夜潮": {"晚潮"}}
    assert counts({TEXT: [first, second]}, {TEXT: [first]}, aliases=one_way) == (1, 1, 1, 1)
    assert counts({TEXT: [second, first]}, {TEXT: [first]}, aliases=one_way) == (2, 2, 1, 1)


def test_recall_looks_among_the_predictions_as_they_came():
    # 夜潮 is de-duplicated away into 晚潮, yet the gold 夜潮 still finds it among the raw predictions
    predictions = {TEXT: [("晚潮", "导演", "甲"), ("夜潮", "导演", "甲")]}
    assert counts(predictions, {TEXT: [("夜潮", "导演", "甲")]}, aliases={"夜潮": {"晚潮"}}) == (0, 1, 1, 1)


def test_nothing_at_all_scores_zero():
    result = score({}, {})
    assert (result.precision, result.recall, result.f1, result.gold) == (0.0, 0.0, 0.0, 0)
    assert count_texts({}, {}).shape == (0, 4)


def test_relations_are_scored_apart_and_ordered_by_gold():
    gold = {TEXT: [("晚潮", "导演", "甲"), ("晚潮", "主演", "乙"), ("晚潮", "主演", "丙")]}
    predictions = {TEXT: [("晚潮", "主演", "乙"), ("晚潮", "编剧", "甲")]}
    relations = score_by_relation(predictions, gold)
    assert list(relations) == ["主演", "导演", "编剧"]
    assert (relations["主演"].precision, relations["主演"].recall) == (1.0, 0.5)
    assert (relations["编剧"].predicted, relations["编剧"].gold, relations["编剧"].f1) == (1, 0, 0.0)


def test_wrong_input_is_named():
    with pytest.raises(ConfigError, match="'loose'"):
        score({}, {}, "loose")
    with pytest.raises(DataError, match="@value"):
        score({}, {TEXT: [("晚潮", "上映时间", {"inArea": "香港"})]})
    with pytest.raises(DataError, match="must be strings"):
        score({TEXT: [("晚潮", "上映时间", {"@value": 2011})]}, {TEXT: []})


NAMES = st.sampled_from(["甲", "乙", "丙", "《甲》", "A", "a"])
OBJECTS = NAMES | st.fixed_dictionaries({"@value": NAMES}, optional={"inArea": NAMES})
ROWS = st.dictionaries(
    st.sampled_from(["一", "二", "三"]), st.lists(st.tuples(NAMES, st.sampled_from(["r", "s"]), OBJECTS), max_size=5)
)
ALIASES = st.dictionaries(NAMES, st.sets(NAMES, max_size=3), max_size=4)


@settings(max_examples=50, deadline=None)
@given(ROWS, ROWS, st.sampled_from(["flat", "strict"]))
def test_without_aliases_the_numerators_agree_and_sides_swap(predictions, gold, mode):
    forward, backward = score(predictions, gold, mode), score(gold, predictions, mode)
    assert forward.correct == forward.correct_gold == backward.correct
    if predictions.keys() == gold.keys():
        assert (forward.precision, forward.recall) == (backward.recall, backward.precision)


@settings(max_examples=50, deadline=None)
@given(ROWS, ROWS, st.sampled_from(["flat", "strict"]), ALIASES)
def test_relations_and_texts_add_up_to_the_whole(predictions, gold, mode, aliases):
    whole = score(predictions, gold, mode, aliases)
    expected = [whole.correct, whole.predicted, whole.gold, whole.correct_gold]
    assert count_texts(predictions, gold, mode, aliases).sum(axis=0).tolist() == expected
    relations = score_by_relation(predictions, gold, mode, aliases).values()
    totals = [[r.correct, r.predicted, r.gold, r.correct_gold] for r in relations]
    assert [sum(column) for column in zip(*totals, strict=True)] == (expected if totals else [])
    assert whole.correct <= whole.predicted
    assert whole.correct_gold <= whole.gold
