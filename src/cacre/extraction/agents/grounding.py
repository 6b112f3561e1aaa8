"""What a role may name: relations of the schema, and entities that stand in the window it was shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cacre.extraction.agents.answers import Slot
from cacre.extraction.merging import triple_key
from cacre.extraction.values import SaidTriple, Window
from cacre.inference.snapping import Snapper
from cacre.schema import Schema
from cacre.types import Triple


class UngroundedError(ValueError):
    """A name that is neither in the schema nor in the text; the message is the reason for the errors file."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A triple under the schema, its names as the text writes them.

    Args:
        said: The triple with the types of its entities.
        slots: (name, value) of further parts of a complex object, sorted by name.
    """

    said: SaidTriple
    slots: tuple[tuple[str, str], ...] = ()

    @property
    def triple(self) -> Triple:
        """The triple alone."""
        return self.said.triple

    @property
    def key(self) -> tuple[str, ...]:
        """What two writings of one proposal have in common."""
        return (*triple_key(self.triple), *(part for slot in self.slots for part in slot))


class Ground:
    """Reads names against a schema and a window.

    Args:
        schema: The relations.
        window: What the roles are shown.
    """

    def __init__(self, schema: Schema, window: Window) -> None:
        self.schema, self._snapper = schema, Snapper(window.text)

    def relation(self, said: str) -> str:
        """The schema's name of a relation that was named by it or by a synonym.

        Raises:
            UngroundedError: The schema has no such relation.
        """
        name = self.schema.resolve(said)
        if name is None:
            raise UngroundedError(f"relation {said!r:.60} is not in the schema")
        return name

    def entity(self, said: str) -> str:
        """An entity as the text writes it.

        Raises:
            UngroundedError: The text has no such entity.
        """
        found = self._snapper.snap(said)
        if found.span is None:
            raise UngroundedError(f"name {said!r:.60} is not in the text")
        return found.surface

    def proposal(self, said: SaidTriple, slots: Iterable[Slot] = ()) -> tuple[Proposal, list[str]]:
        """A triple under the schema.

        Returns:
            The proposal, and why slots were left out of it.

        Raises:
            UngroundedError: Its relation or one of its entities is not grounded.
        """
        subject, predicate, object_ = said.triple
        triple = Triple(self.entity(subject), self.relation(predicate), self.entity(object_))
        known, values, faults = self.schema[triple.predicate].slots, dict[str, str](), list[str]()
        for slot in slots:
            try:
                if slot.name not in known:
                    raise UngroundedError(f"slot {slot.name!r:.60} is none of {triple.predicate}")
                values.setdefault(slot.name, self.entity(slot.value))
            except UngroundedError as error:
                faults.append(str(error))
        return Proposal(replace(said, triple=triple), tuple(sorted(values.items()))), faults
