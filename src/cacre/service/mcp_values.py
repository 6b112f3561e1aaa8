"""What the tools of the MCP server take and give. Field descriptions are read by the LLM that calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cacre.schema import RelationType
from cacre.types import ModalityKind

_Name = Annotated[str, Field(min_length=1)]


class GivenTriple(BaseModel):
    """A triple to be judged."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[_Name, Field(description="As it stands in the text.")]
    predicate: Annotated[_Name, Field(description="A relation that list_relations names, or a synonym of one.")]
    object: Annotated[_Name, Field(description="As it stands in the text.")]
    subject_type: Annotated[str | None, Field(description="Checked against the schema if given.")] = None
    object_type: Annotated[str | None, Field(description="Checked against the schema if given.")] = None

    def item(self) -> dict[str, str]:
        """The triple as it stands in a candidate row."""
        return self.model_dump(exclude_none=True)


class Quote(BaseModel):
    """A stretch of the text."""

    start: Annotated[int, Field(description="Offset of its first character in the text.")]
    end: Annotated[int, Field(description="Offset behind its last character.")]
    quote: str


class JudgedTriple(BaseModel):
    """A triple and what the text says about it."""

    subject: str
    predicate: str
    object: str
    verdict: Annotated[Literal["supported", "rejected"], Field(description="Whether the text supports the triple.")]
    reason: Annotated[str | None, Field(description="Why it is rejected; null if it is supported.")]
    modality: Annotated[
        ModalityKind | None, Field(description="What the text does instead of asserting it; null if it asserts it.")
    ]
    probability: Annotated[float | None, Field(description="Calibrated, from 0 to 1; null if not calibrated.")]
    text_score: Annotated[float | None, Field(description="Similarity of triple and text; null if not reached.")]
    pair_score: Annotated[float | None, Field(description="Similarity of triple and paraphrase; null if not compared.")]
    evidence: Annotated[list[Quote], Field(description="The places of the text that speak for the triple.")]
    judged_as: Annotated[
        list[str] | None,
        Field(
            description="What was judged in its place; null if the triple itself was. Of a predicate with several "
            "readings (spouse: husband or wife) it is the one that scored best, which does not say who is which."
        ),
    ] = None

    @classmethod
    def of(cls, text: str, item: Mapping[str, Any]) -> JudgedTriple:
        """Read a judged item of a row, with its evidence quoted."""
        value = item["object"]
        return cls(
            subject=item["subject"],
            predicate=item["predicate"],
            object=value if isinstance(value, str) else value["@value"],
            verdict=item["verdict"],
            reason=item.get("reason"),
            modality=item.get("modality"),
            probability=item["probability"],
            text_score=item["text_score"],
            pair_score=item["pair_score"],
            evidence=[Quote(start=start, end=end, quote=text[start:end]) for start, end in item["evidence"]],
            judged_as=item.get("judged_as"),
        )


class Judgement(BaseModel):
    """The verdicts on the triples of one text."""

    supported: Annotated[int, Field(description="How many triples the text supports.")]
    rejected: Annotated[int, Field(description="How many it does not.")]
    triples: Annotated[list[JudgedTriple], Field(description="All triples, in the order given or proposed.")]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Judgement:
        """Read a row as `cacre filter --all` writes it."""
        triples = [JudgedTriple.of(row["text"], item) for item in row["triples"]]
        supported = sum(triple.verdict == "supported" for triple in triples)
        return cls(supported=supported, rejected=len(triples) - supported, triples=triples)


class Relation(BaseModel):
    """A relation of the schema."""

    name: str
    subject_type: str
    object_type: str
    description: str
    synonyms: Annotated[list[str], Field(description="Other names that are understood.")]

    @classmethod
    def of(cls, relation: RelationType) -> Relation:
        """What a caller has to know of a relation."""
        return cls(
            name=relation.name,
            subject_type=relation.subject_type,
            object_type=relation.object_type,
            description=relation.description,
            synonyms=list(relation.synonyms),
        )


class Relations(BaseModel):
    """The schema that triples are checked against."""

    schema_name: str
    model: Annotated[str, Field(description="Name of the model that judges.")]
    relations: list[Relation]
