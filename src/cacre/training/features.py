"""An example as arrays: every (text window, triple) pair it needs, featurised once, and which pair plays which part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cacre.config import TrainingSettings
from cacre.data.guard import FalseNegativeGuard, GuardReport
from cacre.data.negatives import DEFAULT_RULES, CorruptionRules, entity_pool, generate_negatives
from cacre.data.renaming import name_pool, renamed
from cacre.preprocessing.featurizer import Featurizer, TextFeatures, TripleFeatures
from cacre.schema import Schema
from cacre.types import Example, Triple


def corruption_rules(training: TrainingSettings) -> CorruptionRules:
    """How training makes negatives of its own."""
    without = frozenset(training.generated_without)
    return CorruptionRules(
        training.generated_kinds, training.complete_annotation, without, each=training.generated_of_each
    )


@dataclass(frozen=True, slots=True)
class PairFeatures:
    """One (window, triple) pair.

    Args:
        window: Index into the example's windows.
        triple: Its tokens and roles.
        marks: `[L_T, M]` as bool, to save memory.
        values: `[F]`.
    """

    window: int
    triple: TripleFeatures
    marks: NDArray[np.bool_]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ExampleFeatures:
    """An example, featurised. All lists but `pairs` hold indices into `pairs`.

    Args:
        key: Number of the example; seeds its choices.
        windows: The text, or its windows.
        pairs: All pairs.
        anchors: Pair of each anchor.
        positives: Pair of each positive, aligned with the anchors.
        negatives: Pairs of all negatives of the text (A20 b): its own, the hard ones, the generated ones.
        paraphrased: (negative, its schema paraphrase), for those that have one.
        guard: Tells which triples must not serve as negatives of this text.
        anchor_triples: The anchors themselves.
        written: So many of the negatives, the first ones, came with the data; the others were generated.
    """

    key: int
    windows: Sequence[TextFeatures]
    pairs: Sequence[PairFeatures]
    anchors: Sequence[int]
    positives: Sequence[int]
    negatives: Sequence[int]
    paraphrased: Sequence[tuple[int, int]]
    guard: FalseNegativeGuard = field(repr=False)
    anchor_triples: Sequence[Triple] = ()
    written: int = 0

    @property
    def length(self) -> int:
        """Tokens of the longest window."""
        return max(len(window.ids) for window in self.windows)


class PairBuilder:
    """Featurises pairs of one text, each distinct triple once."""

    def __init__(self, windows: Sequence[TextFeatures], featurizer: Featurizer) -> None:
        self.windows, self.featurizer = windows, featurizer
        self.pairs: list[PairFeatures] = []
        self._index: dict[Triple, int] = {}

    def add(self, triple: Triple) -> int:
        """Index of the triple's pair."""
        if triple not in self._index:
            self._index[triple] = len(self.pairs)
            self.pairs.append(make_pair(self.windows, triple, self.featurizer))
        return self._index[triple]


def make_pair(windows: Sequence[TextFeatures], triple: Triple, featurizer: Featurizer) -> PairFeatures:
    """Featurise one triple against a text."""
    window = featurizer.choose_window(windows, triple)
    evidence = featurizer.evidence(windows[window], triple)
    return PairFeatures(window, featurizer.triple(triple), evidence.marks.astype(bool), evidence.values)


@dataclass(frozen=True, slots=True)
class Featurized:
    """Featurised examples and what happened to their negatives.

    Args:
        examples: Those that have an anchor and a negative.
        report: Generated negatives made and dropped by the guard.
        refused: Negatives of the data itself that the guard refused.
        skipped: Examples without an anchor or without a negative.
    """

    examples: list[ExampleFeatures]
    report: GuardReport = field(default_factory=GuardReport)
    refused: int = 0
    skipped: int = 0

    def __add__(self, other: Featurized) -> Featurized:
        return Featurized(
            [*self.examples, *other.examples],
            self.report + other.report,
            self.refused + other.refused,
            self.skipped + other.skipped,
        )


def featurize(
    examples: Iterable[Example],
    featurizer: Featurizer,
    schema: Schema,
    *,
    generated: int,
    paraphrase: bool,
    seed: int,
    rules: CorruptionRules = DEFAULT_RULES,
    first: int = 0,
) -> Featurized:
    """Featurise examples for training or for dev.

    Args:
        examples: The data.
        featurizer: Text and triple to arrays.
        schema: For generated negatives, paraphrases and the guard against false negatives.
        generated: Negatives to corrupt per anchor.
        paraphrase: Also featurise the schema paraphrase of each aligned negative (not of the hard ones, for time).
        seed: Of the corruptions; each example draws from its own stream, so that order does not matter.
        rules: How negatives are made, see `generate_negatives`; no paraphrase names what they leave out either.
        first: Number of the first example, where there are others before.
    """
    examples = list(examples)
    pool = entity_pool(examples, schema) if generated else {}
    made: list[ExampleFeatures] = []
    report, refused, skipped = GuardReport(), 0, 0
    for key, example in enumerate(examples, start=first):
        # Not the positives: 执导 in one of them may be meant from the person to the film, and from the film elsewhere.
        guard = FalseNegativeGuard(schema, (*example.anchors, *(example.gold or ())))
        own = [n for n in dict.fromkeys((*example.negatives, *example.hard)) if _may_be_wrong(guard, n)]
        refused += len(set((*example.negatives, *example.hard))) - len(own)
        rng = np.random.default_rng([seed, key])
        batch = generate_negatives(example, schema, rng, generated, rules, pool)
        report = report + batch.report
        corrupted = [n for row in batch.negatives for n in row]
        builder = PairBuilder(featurizer.windows(example.text), featurizer)
        anchors, positives = [builder.add(t) for t in example.anchors], [builder.add(t) for t in example.positives]
        negatives = [builder.add(t) for t in dict.fromkeys((*own, *corrupted))]
        aligned = [n for n in own if n in set(example.negatives)] if paraphrase else []
        said = [(t, p) for t in aligned if (p := schema.paraphrase(t)) and p.predicate not in rules.without]
        twins = [(builder.add(t), builder.add(p)) for t, p in said]
        if not anchors or not negatives:
            skipped += 1
            continue
        made.append(
            ExampleFeatures(
                key,
                builder.windows,
                builder.pairs,
                anchors,
                positives,
                negatives,
                twins,
                guard,
                example.anchors,
                len(own),
            )
        )
    return Featurized(made, report, refused, skipped)


def with_negatives(
    examples: Iterable[Example],
    schema: Schema,
    *,
    count: int,
    seed: int,
    rules: CorruptionRules = DEFAULT_RULES,
) -> list[Example]:
    """Give the texts that came without a wrong triple generated ones, so that there is something to measure.

    Annotated rows have none of their own, and on dev none are made in passing: what is measured must stay the same.

    With the count and the rules that `featurize` is given they are those that it makes.

    Args:
        examples: Dev examples, or training examples for something else to learn from.
        schema: As in `featurize`.
        count: Negatives per anchor.
        seed: Of the corruptions.
        rules: How they are made, see `generate_negatives`.
    """
    examples = list(examples)
    pool = entity_pool(examples, schema)
    made = []
    for key, example in enumerate(examples):
        if example.anchors and not (example.negatives or example.hard):
            rng = np.random.default_rng([seed, key])
            rows = generate_negatives(example, schema, rng, count, rules, pool).negatives
            example = replace(example, hard=tuple(dict.fromkeys(n for row in rows for n in row)))
        made.append(example)
    return made


def with_renamed(examples: Sequence[Example], schema: Schema, *, copies: int, seed: int) -> list[Example]:
    """The examples, and after them copies in which other names stand; a text without a name to replace has none."""
    pool = name_pool(examples, schema) if copies else {}
    made = list(examples)
    for number in range(copies):
        for key, example in enumerate(examples):
            copy = renamed(example, schema, pool, np.random.default_rng([seed, number, key]))
            made += [] if copy is None else [copy]
    return made


def _may_be_wrong(guard: FalseNegativeGuard, negative: Triple) -> bool:
    """Whether a negative that came with the data is kept.

    Whoever wrote it had read the text, so that a co-holding relation (作词 for 作曲) is a deliberate near miss and
    not, as with a random corruption, a likely truth.
    """
    return guard.reject_reason(negative) in (None, "co_holding")


def value_statistics(examples: Sequence[ExampleFeatures]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of the evidence values, `[F]` each; a constant value gets deviation 1."""
    values = np.stack([pair.values for example in examples for pair in example.pairs]).astype(np.float64)
    deviation = values.std(axis=0)
    return values.mean(axis=0).astype(np.float32), np.where(deviation < 1e-3, 1.0, deviation).astype(np.float32)
