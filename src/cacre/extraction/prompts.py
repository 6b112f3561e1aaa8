"""Prompts: versioned files of two templates, a system message and a user message.

A template is rendered once for each set of relations and answer format, with a hole where the text goes; the quoted
text is put in afterwards. So no template, whoever wrote it, can behave differently for another text.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, get_args

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cacre.errors import ConfigError
from cacre.extraction.quoting import quote_parts
from cacre.extraction.schema_text import render_relations
from cacre.extraction.values import Language, Style
from cacre.llm.chat import Message
from cacre.schema import RelationType
from cacre.types import Triple

BUILT_IN = ("contrastive", "extract", "glean", "judge")
"""Names of the prompts that ship: the paper's three lists, plain extraction, what was missed, and judging triples."""

_HOLES = {"text": "TEXT", "found": "FOUND", "triples": "TRIPLES"}
_LANGUAGES: tuple[Language, ...] = get_args(Language)
_STYLES: tuple[Style, ...] = get_args(Style)
# Not escaped for HTML: an LLM reads it. A user's file may come from anywhere, hence the sandbox.
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file.

    Args:
        name: Name of the built-in prompt, or of the user's file without its ending.
        language: Language of the words around the schema's relations.
        version: Version that the file gives itself.
        digest: First 12 hex digits of the SHA-256 of the file.
        system: Template of the system message.
        user: Template of the user message.
        json_style: Template of the answer format for style `json`.
        lines_style: Template of the answer format for style `lines`.
    """

    name: str
    language: Language
    version: str
    digest: str
    system: str
    user: str
    json_style: str
    lines_style: str

    @property
    def reference(self) -> str:
        """Which prompt this is, to be stored with what it brought: `extract.zh@1:ab12cd34ef56`."""
        return f"{self.name}.{self.language}@{self.version}:{self.digest}"

    def messages(
        self,
        text: str,
        relations: Sequence[RelationType],
        style: Style = "json",
        *,
        found: Sequence[Triple] = (),
        triples: Sequence[Triple] = (),
        types: bool = False,
    ) -> tuple[Message, ...]:
        """Ask about a text: a system message that holds no word of it, and a user message that quotes it.

        Args:
            text: What is read.
            relations: What may be extracted.
            style: What the LLM is asked to write.
            found: For `glean`: the triples that are known already.
            triples: For `judge`: the triples to be judged, numbered from 1.
            types: Ask for the types of subject and object too; style `json` only.

        Raises:
            ConfigError: There are no relations, types are asked for in style `lines`, or triples are given to a prompt
                that does not list them or missing from one that does.
        """
        return self.frame(relations, style, types=types).messages(text, found=found, triples=triples)

    def frame(self, relations: Sequence[RelationType], style: Style = "json", *, types: bool = False) -> Frame:
        """What the questions about all texts have in common; for the arguments and errors see `messages`."""
        system, user = _render(self, tuple(relations), style, types)
        return Frame(self.reference, system, user)


@dataclass(frozen=True, slots=True)
class Frame:
    """A prompt for some relations, with holes for what is quoted.

    Args:
        reference: Which prompt it comes from.
        system: The system message.
        user: The user message with its holes.
    """

    reference: str
    system: str
    user: str

    def messages(
        self, text: str, *, found: Sequence[Triple] = (), triples: Sequence[Triple] = ()
    ) -> tuple[Message, ...]:
        """Ask about a text; see `Prompt.messages`."""
        parts = {"TEXT": text, "FOUND": _listed(found), "TRIPLES": _listed(triples, numbered=True)}
        for label, given in (("FOUND", bool(found)), ("TRIPLES", bool(triples))):
            self._check_list(label, given, listed=_hole(label) in self.user)
        blocks = quote_parts({label: part for label, part in parts.items() if _hole(label) in self.user})
        user = self.user
        for label, block in blocks.items():
            user = user.replace(_hole(label), block)
        return Message("system", self.system), Message("user", user)

    def _check_list(self, label: str, given: bool, *, listed: bool) -> None:
        variable = label.lower()
        if given and not listed:
            raise ConfigError(
                f"prompt {self.reference} does not list {variable!r}: put {{{{ {variable} }}}} into `user`"
            )
        if listed and not given and label == "TRIPLES":
            raise ConfigError(f"prompt {self.reference} judges triples, but got none: give at least one")


class _Styles(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    # A field called json would hide a method of pydantic's.
    json_style: Annotated[_Words, Field(alias="json")]
    lines_style: Annotated[_Words, Field(alias="lines")]


class _PromptFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: _Words
    system: _Words
    user: _Words
    styles: _Styles


class _Hole:
    """Stands for a text in a template: it can be printed, and nothing can be learnt from it."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __str__(self) -> str:
        return _hole(self._label)


def load_prompt(name_or_path: str | Path, language: Language = "zh") -> Prompt:
    """Load a prompt.

    Args:
        name_or_path: `contrastive`, `extract`, `glean`, `judge`, or a UTF-8 TOML file with the strings `version`,
            `system` and `user` and a table `styles` with `json` and `lines`. All but `version` are Jinja templates:
            `relations`, `answer_format` (what `styles` gives), `style` and `types` may stand in `system` and
            `user`, the last two also in `styles`; `text`, `found` and `triples`, each alone on its line, in `user`.
        language: Language of the prompt.

    Raises:
        ConfigError: There is no such prompt or language, or the file cannot be used; says which key and why.
    """
    if language not in _LANGUAGES:
        raise ConfigError(f"no prompts in language {language!r}: allowed are {', '.join(_LANGUAGES)}")
    known = str(name_or_path) in BUILT_IN
    source: Traversable | Path = Path(name_or_path)
    if known:
        source = resources.files("cacre.resources") / "prompts" / f"{name_or_path}.{language}.toml"
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{name_or_path}: neither a built-in prompt ({', '.join(BUILT_IN)}) nor a readable file: {error}"
        ) from error
    name = str(name_or_path) if known else Path(name_or_path).stem.removesuffix(f".{language}")
    file = _parse(data, str(name_or_path))
    digest = hashlib.sha256(data).hexdigest()[:12]
    styles = (file.styles.json_style, file.styles.lines_style)
    prompt = Prompt(name, language, file.version, digest, file.system, file.user, *styles)
    _try_out(prompt, str(name_or_path))
    return prompt


def _parse(data: bytes, origin: str) -> _PromptFile:
    try:
        return _PromptFile.model_validate(tomllib.loads(data.decode("utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{origin}: not valid UTF-8 TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(
            f"{origin}: {faults}. A prompt file has the strings version, system, user, styles.json and styles.lines"
        ) from error


def _try_out(prompt: Prompt, origin: str) -> None:
    """Render a prompt in every way, so that a fault shows before the first text is sent.

    Raises:
        ConfigError: A template is malformed or uses what it is not given, or something needed is missing.
    """
    sample = (RelationType("\N{SNOWMAN}", "A", "B"),)
    ways: tuple[tuple[Style, bool], ...] = (("json", False), ("json", True), ("lines", False))
    for style, types in ways:
        try:
            system, frame = _render.__wrapped__(prompt, sample, style, types)
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from error
        _check_holes(frame, origin)
        if "\N{SNOWMAN}" not in system + frame:
            raise ConfigError(f"{origin}: the relations are missing: put {{{{ relations }}}} into `system`")
        if _answer_format(prompt, style, types) not in system + frame:
            raise ConfigError(f"{origin}: the answer format is missing: put {{{{ answer_format }}}} into `system`")
    if "json" not in prompt.json_style.lower():
        # Servers refuse to force an answer into JSON unless the prompt speaks of it.
        raise ConfigError(f'{origin}: styles.json must hold the word "json"')


def _check_holes(frame: str, origin: str) -> None:
    # Alone on its line, a marker cannot be overlooked, neither by the LLM nor by `quoted`.
    counts = {variable: frame.split("\n").count(_hole(label)) for variable, label in _HOLES.items()}
    everywhere = sum(frame.count(_hole(label)) for label in _HOLES.values())
    if counts["text"] != 1 or max(counts.values()) > 1 or sum(counts.values()) != everywhere:
        raise ConfigError(
            f"{origin}: `user` must hold {{{{ text }}}} exactly once, {{{{ found }}}} and {{{{ triples }}}} at "
            f"most once, each without a filter and alone on its line; got lines of that kind: {counts}"
        )


# Some 5,000 characters of system message serve every text of a job, and each part of a split schema needs its own.
@lru_cache(maxsize=1024)
def _render(prompt: Prompt, relations: tuple[RelationType, ...], style: Style, types: bool) -> tuple[str, str]:
    """The system message, and the user message with holes for what is quoted."""
    if not relations:
        raise ConfigError(f"prompt {prompt.reference} got no relations: it needs at least one")
    if style not in _STYLES:
        raise ConfigError(f"style {style!r}: allowed are {', '.join(_STYLES)}")
    if types and style == "lines":
        raise ConfigError("types of subject and object cannot be asked for in style 'lines': use style 'json'")
    given: dict[str, object] = {
        "relations": render_relations(relations, prompt.language),
        "answer_format": _answer_format(prompt, style, types),
        "style": style,
        "types": types,
    }
    holes = {variable: _Hole(label) for variable, label in _HOLES.items()}
    return _fill(prompt.system, "system", given), _fill(prompt.user, "user", {**given, **holes})


def _answer_format(prompt: Prompt, style: Style, types: bool) -> str:
    source = prompt.json_style if style == "json" else prompt.lines_style
    return _fill(source, f"styles.{style}", {"style": style, "types": types})


def _fill(source: str, field: str, variables: dict[str, object]) -> str:
    try:
        return _ENVIRONMENT.from_string(source).render(variables)
    except Exception as error:  # an expression in a template can raise anything
        raise ConfigError(
            f"{field}: {type(error).__name__}: {error}; variables given here are {', '.join(variables)}"
        ) from error


def _hole(label: str) -> str:
    """What stands in a rendered frame for a block; no quoted text and no schema can hold a NUL."""
    return f"\x00{label.capitalize()}\x00"


def _listed(triples: Sequence[Triple], *, numbered: bool = False) -> str:
    """Triples as JSON, one object a line; an LLM said them, so they are quoted like the text they came from."""
    rows: list[str] = []
    for number, triple in enumerate(triples, start=1):
        parts = {name: " ".join(part.split()) for name, part in triple._asdict().items()}
        rows.append(json.dumps({"number": number, **parts} if numbered else parts, ensure_ascii=False))
    return "\n".join(rows) or "[]"
