"""What is learned from, as features: texts under the schema of the model, and those of domains under their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from cacre.config import LossSettings, TrainingSettings
from cacre.data.domains import Domain
from cacre.errors import ConfigError, DataError
from cacre.modeling.folder import LoadedModel
from cacre.schema import Schema, new_relations, with_new_relations
from cacre.training.features import ExampleFeatures, Featurized, corruption_rules, featurize, with_renamed
from cacre.types import Example


class TrainingParts(NamedTuple):
    """Everything that is learned from."""

    all: Featurized
    own: list[ExampleFeatures]
    """Those that are no copy with other names."""


def check_domains(domains: Sequence[Domain], learned: Schema, loss: LossSettings) -> None:
    """Refuse domains that would be learned from in another way than they are judged.

    Args:
        domains: The domains.
        learned: The schema of the model.
        loss: Of the run.

    Raises:
        ConfigError: One has a relation for which the schema of the model has a word, which may turn its triples round;
            or negatives are anchors of other texts, whose schemas differ.
    """
    for domain in domains:
        if known := sorted(domain.schema.relations.keys() - new_relations(learned, domain.schema)):
            raise ConfigError(
                f"domain {domain.name}: schema {learned.name!r} has words for {', '.join(known)}: rename them, or give "
                "these texts as DATA"
            )
    if domains and loss.negatives == "cross_text":
        raise ConfigError("loss.negatives='cross_text' crosses texts of different schemas: leave the domains out")


def training_parts(examples: Sequence[Example], domains: Sequence[Domain], loaded: LoadedModel) -> TrainingParts:
    """Featurise the training texts, each part with its copies behind it.

    Those of a domain are featurised as a verifier would that is given the schema of the domain: with its relations
    beside those of the model. Their negatives are made of its relations alone: it is those they are annotated with.

    Args:
        examples: Texts under the schema of the model.
        domains: Others.
        loaded: The model, for its schema, its tokenizer and all settings.

    Raises:
        DataError: A part has no text with both an anchor and a negative.
    """
    training = loaded.settings.training
    parts: list[tuple[str, Sequence[Example], Schema]] = [("train", examples, loaded.schema)]
    parts += [(domain.name, domain.examples, domain.schema) for domain in domains]
    found, own, first = Featurized([]), [], 0
    for name, part, schema in parts:
        texts = with_renamed(part, schema, copies=training.renamed_copies, seed=training.seed)
        scored = replace(loaded, schema=with_new_relations(loaded.schema, schema))
        features = featurized(texts, scored, name, schema=schema, first=first)
        own += [example for example in features.examples if example.key < first + len(part)]
        found, first = found + features, first + len(texts)
    return TrainingParts(found, own)


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
