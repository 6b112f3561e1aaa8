"""What an object can be tagged with: each relation, and each slot of a relation with a complex object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cacre.schema import Schema

VALUE = "@value"


@dataclass(frozen=True)
class TagSet:
    """The object tags of a schema, in its order: `predicate`, then `predicate/slot` for each of its slots.

    Args:
        schema: The relations.
    """

    schema: Schema

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(predicate, slot) of each tag; the slot of the object proper is `@value`."""
        return tuple((relation.name, slot) for relation in self.schema for slot in (VALUE, *relation.slots))

    @property
    def names(self) -> tuple[str, ...]:
        """The tags as written in `config.json`."""
        return tuple(predicate if slot == VALUE else f"{predicate}/{slot}" for predicate, slot in self.pairs)

    def number(self, predicate: str, slot: str = VALUE) -> int | None:
        """Number of a tag, the predicate by its name or an unambiguous synonym; None where the schema lacks it."""
        return self._numbers.get((self.schema.resolve(predicate) or predicate, slot))

    def __len__(self) -> int:
        return len(self.pairs)

    @cached_property
    def _numbers(self) -> Mapping[tuple[str, str], int]:
        return {pair: number for number, pair in enumerate(self.pairs)}
