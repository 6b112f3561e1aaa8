"""What every extractor can do, and what a system says about itself on its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cacre.schema import Schema
from cacre.types import Candidate


class Extractor(Protocol):
    """Texts in, scored candidates out, without an LLM.

    Attributes:
        name: Name of the system.
        schema: The relations it finds.
    """

    name: str
    schema: Schema

    def extract(self, texts: Sequence[str]) -> list[list[Candidate]]:
        """Extract the candidates of each text.

        Each candidate has in `extra` its `score` in [0, 1], its `mentions` (character spans of subject and object) and,
        where its object has slots, `qualifiers`. What is found in a text does not depend on the other texts.
        """
        ...


@dataclass(frozen=True, slots=True)
class SystemCard:
    """What a model card says of a system.

    Args:
        title: Its name, as its authors write it.
        source: The publication.
        published: What is publicly known of the original.
        built: What was built here.
        differs: What differs from the original, or may differ because nothing is published about it.
    """

    title: str
    source: str
    published: str
    built: str
    differs: str
