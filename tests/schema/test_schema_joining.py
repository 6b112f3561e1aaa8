"""A user's schema beside the one of a model."""

from __future__ import annotations

import pytest

from cacre.schema import RelationType, Schema, load_schema, new_relations, with_new_relations

OPEN = load_schema("open")


def own(*relations: RelationType) -> Schema:
    return Schema.of("own", relations)


CAUSE = RelationType("故障原因", "故障", "原因", synonyms=("起因", "导演"), inverses=("导致的故障",), cues=("由于",))
USE = RelationType("适应症", "药物", "疾病")


def test_a_schema_without_new_relations_leaves_the_models_alone():
    assert with_new_relations(OPEN, load_schema("duie")) is OPEN
    assert with_new_relations(OPEN, own(USE)) is OPEN, "an inverse of 治疗药物"
    assert not new_relations(OPEN, load_schema("duie"))


def test_new_relations_bring_their_words_but_none_that_the_model_knows():
    joined = with_new_relations(OPEN, own(CAUSE, USE))
    assert new_relations(OPEN, own(CAUSE, USE)) == {"故障原因"}
    assert [r.name for r in joined] == [*OPEN.relations, "故障原因"]
    added = joined["故障原因"]
    assert added.synonyms == ("起因",)
    assert added.inverses == ("导致的故障",)
    assert "由于" in added.cues
    assert joined.resolve("导演") == "导演"
    assert all(joined[name] == relation for name, relation in OPEN.relations.items())


@pytest.mark.parametrize("partner", ["新反关系", None])
def test_relations_that_are_not_there_are_named_no_longer(partner):
    first = RelationType("新关系", "甲", "乙", inverse_relation=partner, near_misses=("适应症",))
    others = [RelationType("新反关系", "乙", "甲", inverse_relation="新关系")] if partner else []
    joined = with_new_relations(OPEN, own(first, USE, *others))
    assert joined["新关系"].inverse_relation == partner
    assert joined["新关系"].near_misses == ()


def test_what_the_model_has_learned_is_left_as_it_is():
    directed = RelationType("导演", "影视作品", "人物", near_misses=("取景地",), co_holds=frozenset(["取景地"]))
    place = RelationType("取景地", "影视作品", "地点")
    joined = with_new_relations(OPEN, own(directed, place))
    assert joined["导演"] == OPEN["导演"]
    assert joined["取景地"].near_misses == ("导演",)
