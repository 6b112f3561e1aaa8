"""A relation schema as an LLM reads it, whole or in parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cacre.errors import ConfigError
from cacre.extraction.quoting import defuse
from cacre.extraction.values import Language
from cacre.schema import RelationType, Schema

_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "colon": "：",
        "stop": "。",
        "comma": "，",
        "open": "（",
        "close": "）",
        "symmetric": "对称关系，主语和宾语可以互换",
        "inverse": "反向关系：",
        "slots": "附加信息，不要输出：",
        "asked_slots": "附加信息：",
    },
    "en": {
        "colon": ": ",
        "stop": ". ",
        "comma": ", ",
        "open": " (",
        "close": ")",
        "symmetric": "symmetric: subject and object can be exchanged",
        "inverse": "inverse relation: ",
        "slots": "additional details, not part of the answer: ",
        "asked_slots": "slots: ",
    },
}


def render_relations(relations: Iterable[RelationType], language: Language, *, slots: bool = False) -> str:
    """Describe relations, one a line: name, types, direction, and what else an LLM has to know.

    Args:
        relations: What may be extracted.
        language: Language of the words around the schema's own, which stay as they are.
        slots: Whether the slots of complex objects are asked for.

    Returns:
        Lines such as `- 导演：影视作品 -> 人物。主语（影视作品）由宾语（人物）执导。`, whatever line breaks, control
        characters or control tokens a description holds.
    """
    words = _WORDS[language]
    if slots:
        words = {**words, "slots": words["asked_slots"]}
    return "\n".join(_line(relation, words) for relation in relations)


def chunk_relations(schema: Schema, per_prompt: int | None) -> tuple[tuple[RelationType, ...], ...]:
    """Split a schema into parts, one for each prompt, in the order of the schema.

    Args:
        schema: What may be extracted.
        per_prompt: Most relations of one part; None keeps all in one.

    Raises:
        ConfigError: `per_prompt` is below 1, or the schema is empty.
    """
    relations: Sequence[RelationType] = tuple(schema)
    if not relations:
        raise ConfigError(f"schema {schema.name!r} has no relations: a prompt needs at least one")
    if per_prompt is None:
        return (tuple(relations),)
    if per_prompt < 1:
        raise ConfigError(f"{per_prompt} relations per prompt: allowed are 1 and more, or none given for all in one")
    return tuple(tuple(relations[start : start + per_prompt]) for start in range(0, len(relations), per_prompt))


def _line(relation: RelationType, words: dict[str, str]) -> str:
    line = f"- {_folded(relation.name)}{words['colon']}{_folded(relation.subject_type)} -> "
    line += _folded(relation.object_type)
    description = _folded(relation.description)
    line += f"{words['stop']}{description}" if description else ""
    notes = []
    if relation.symmetric:
        notes.append(words["symmetric"])
    if relation.inverse_relation is not None:
        notes.append(words["inverse"] + _folded(relation.inverse_relation))
    if relation.slots:
        slots = (f"{_folded(name)} -> {_folded(kind)}" for name, kind in relation.slots.items())
        notes.append(words["slots"] + words["comma"].join(slots))
    return line + "".join(f"{words['open']}{note}{words['close']}" for note in notes)


def _folded(text: str) -> str:
    """A text on one line, whatever white space it had."""
    return " ".join(defuse(text).split())
