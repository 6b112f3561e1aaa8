"""What is learned from, as features: texts under the schema of the model, and those of domains under their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from cacre.config import TrainingSettings
from cacre.data.domains import Domain
from cacre.errors import DataError
from cacre.modeling.folder import LoadedModel
from cacre.schema import Schema, names_alone, with_new_relations
from cacre.training.features import ExampleFeatures, Featurized, corruption_rules, featurize, with_renamed
from cacre.types import Example


class TrainingParts(NamedTuple):
    """Everything that is learned from."""

    all: Featurized
    own: list[ExampleFeatures]
    """Those that are no copy of another."""


class _Part(NamedTuple):
    """Texts, what their wrong triples are made of, and what they are read by."""

    name: str
    examples: Sequence[Example]
    schema: Schema
    scored: Schema
    copy: bool = False


def training_parts(examples: Sequence[Example], domains: Sequence[Domain], loaded: LoadedModel) -> TrainingParts:
    """Featurise the training texts, each part with its copies behind it.

    Those of a domain are featurised as a verifier would that is given the schema of the domain: with its relations
    beside those of the model. Their negatives are made of its relations alone: it is those they are annotated with.
    Each is there once more under the names of these relations alone, since not everybody who writes a schema gives it
    cue words.

    Args:
        examples: Texts under the schema of the model.
        domains: Others.
        loaded: The model, for its schema, its tokenizer and all settings.

    Raises:
        DataError: A part has no text with both an anchor and a negative.
    """
    training = loaded.settings.training
    found, own, first = Featurized([]), [], 0
    for part in (_Part("train", examples, loaded.schema, loaded.schema), *_domain_parts(domains, loaded.schema)):
        copies = 0 if part.copy else training.renamed_copies
        texts = with_renamed(part.examples, part.schema, copies=copies, seed=training.seed)
        scored = replace(loaded, schema=part.scored)
        features = featurized(texts, scored, part.name, schema=part.schema, first=first)
        if not part.copy:
            own += [example for example in features.examples if example.key < first + len(part.examples)]
        found, first = found + features, first + len(texts)
    return TrainingParts(found, own)


def _domain_parts(domains: Sequence[Domain], learned: Schema) -> Iterator[_Part]:
    for name, schema, texts in ((domain.name, domain.schema, domain.examples) for domain in domains):
        yield _Part(name, texts, schema, with_new_relations(learned, schema))
        yield _Part(name, texts, schema, with_new_relations(learned, names_alone(schema)), copy=True)


def featurized(
    examples: Sequence[Example],
    loaded: LoadedModel,
    name: str,
    *,
    schema: Schema | None = None,
    use: Literal["train", "dev"] = "train",
    first: int = 0,
) -> Featurized:
    """Featurise one part.

    Args:
        examples: Its texts.
        loaded: The model.
        name: What errors call it.
        schema: What negatives are made of; the model's if None.
        use: Whether negatives are generated besides those that are there.
        first: Number of its first example.

    Raises:
        DataError: No text has both an anchor and a negative.
    """
    training: TrainingSettings = loaded.settings.training
    features = featurize(
        examples,
        loaded.featurizer,
        schema or loaded.schema,
        generated=training.generated_negatives if use == "train" else 0,
        rules=corruption_rules(training),
        paraphrase=use == "train" and loaded.settings.loss.paraphrased_negatives,
        seed=training.seed,
        first=first,
    )
    if not features.examples:
        raise DataError(
            f"none of the {len(examples)} {name} examples has both an anchor and a negative; nothing to learn from"
        )
    return features
