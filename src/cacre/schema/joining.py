"""A user's schema beside the one that a model was trained under."""

from __future__ import annotations

from dataclasses import replace

from cacre.schema.relation import RelationType
from cacre.schema.schema import Schema


def with_new_relations(learned: Schema, own: Schema) -> Schema:
    """The model's schema, and the relations of another for which it has no word; itself where there is none.

    To the new ones it gives what it cannot have learned: their cue words, near misses and paraphrases. A word that both
    have keeps the meaning that the model has learned.

    Args:
        learned: What the model was trained under.
        own: What is asked for.
    """
    new = [relation for relation in own if not learned.readings(relation.name)]
    if not new:
        return learned
    names = frozenset(learned.relations) | {relation.name for relation in new}
    # Not `Schema.of`, which would make what the new ones say of the learned ones mutual.
    return Schema(own.name, {**learned.relations, **{r.name: _apart(r, learned, names) for r in new}})


def new_relations(learned: Schema, own: Schema) -> frozenset[str]:
    """Names of the relations for which the model's schema has no word."""
    return frozenset(relation.name for relation in own if not learned.readings(relation.name))


def _apart(relation: RelationType, learned: Schema, names: frozenset[str]) -> RelationType:
    """The relation without words that mean something else to the model, and without relations that are not there."""
    mutual = relation.inverse_relation in names and relation.inverse_relation not in learned.relations
    return replace(
        relation,
        synonyms=tuple(word for word in relation.synonyms if not learned.readings(word)),
        inverses=tuple(word for word in relation.inverses if not learned.readings(word)),
        co_holds=relation.co_holds & names,
        near_misses=tuple(name for name in relation.near_misses if name in names),
        inverse_relation=relation.inverse_relation if mutual else None,
    )
