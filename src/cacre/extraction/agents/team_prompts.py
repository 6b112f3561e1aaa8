"""The prompts of the agents: one versioned file a language, a system and a user message for each role."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict

from cacre.errors import ConfigError
from cacre.extraction.quoting import quote_parts
from cacre.extraction.schema_text import render_relations
from cacre.extraction.values import Language
from cacre.llm.chat import Message
from cacre.schema import RelationType

Role = Literal["selector", "extractor", "builder", "reviewer"]
"""The roles that an LLM plays; the aggregator is code."""

_HOLE = re.compile(r"\{\{ (\w+) \}\}")


class _Template(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    user: str


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    selector: _Template
    extractor: _Template
    builder: _Template
    reviewer: _Template


@dataclass(frozen=True, slots=True)
class TeamPrompts:
    """The prompts of all roles in one language.

    Args:
        language: Language of the words around the schema's relations.
        version: Version that the file gives itself.
        digest: First 12 hex digits of the SHA-256 of the file.
        file: The templates.
    """

    language: Language
    version: str
    digest: str
    file: _File

    @property
    def reference(self) -> str:
        """Which prompts these are, to be stored with what they brought: `agents.zh@1:ab12cd34ef56`."""
        return f"agents.{self.language}@{self.version}:{self.digest}"

    def messages(
        self, role: Role, relations: Sequence[RelationType], blocks: Mapping[str, str]
    ) -> tuple[Message, Message]:
        """A question to a role: a system message that holds no word of the text, a user message that quotes all.

        Args:
            role: Who is asked.
            relations: What the role is told of the schema.
            blocks: Label in capitals -> what is quoted: the text, and what other roles said, which is no more to be
                trusted than the text it came from.
        """
        template: _Template = getattr(self.file, role)
        known = render_relations(relations, self.language, slots=role in ("builder", "reviewer"))
        quoted = quote_parts(blocks)
        # Each hole is filled in one pass: what a block or a schema holds is never taken for a hole.
        system = _HOLE.sub(lambda hole: {"relations": known}[hole[1]], template.system.strip())
        user = _HOLE.sub(lambda hole: quoted[hole[1].upper()], template.user.strip())
        return Message("system", system), Message("user", user)


def load_team_prompts(language: Language) -> TeamPrompts:
    """The built-in prompts of a language.

    Raises:
        ConfigError: There are none.
    """
    source = resources.files("cacre.resources") / "prompts" / f"agents.{language}.toml"
    if not source.is_file():
        raise ConfigError(f"no prompts for agents in language {language!r}: allowed are zh, en")
    data = source.read_bytes()
    file = _File.model_validate(tomllib.loads(data.decode("utf-8")))
    return TeamPrompts(language, file.version, hashlib.sha256(data).hexdigest()[:12], file)
