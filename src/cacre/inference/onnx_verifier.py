"""The verifier that runs a model folder on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cacre.errors import ConfigError
from cacre.inference.decision import DecisionRules, PairStrategy, Scores, decide
from cacre.inference.explanation import Attention, Comparison, attention_of, comparisons
from cacre.inference.folder import DEFAULT_MODEL, find_folder, read_folder
from cacre.inference.graph import BATCH_SIZE, Graph
from cacre.inference.pairing import ALL_STRATEGIES
from cacre.inference.reading import Read, about, best_read, reads_of, seen
from cacre.inference.scoring import Scorer
from cacre.inference.thresholds import Thresholds
from cacre.inference.verifier import CandidateLike, as_candidate, as_pair, as_pairs
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.invisible import VisibleText
from cacre.schema import Schema, new_relations, with_new_relations
from cacre.types import Candidate, Triple, Verdict

MAX_GROUP_TEXTS = 64
MAX_GROUP_CANDIDATES = 2048
"""Texts and candidates whose states are held in memory together; more are worked off group by group."""

Row = tuple[str, list[Candidate]]
Judged = tuple[list[Candidate], list[Scores]]


class OnnxVerifier:
    """A trained model, on the CPU, without torch. It keeps no state, so several threads may share one.

    Args:
        folder: The model folder.
        rules: Checks to apply and thresholds that replace the fitted ones.
        threads: Threads per call; None takes all CPUs that this process may use.
        batch_size: Most (text, triple) pairs that a graph is given at once.

    Raises:
        ModelError: The folder is not a complete model folder of this version.
        ConfigError: `threads` or `batch_size` is below 1, or `rules` are no `DecisionRules`.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        rules: DecisionRules | None = None,
        threads: int | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        for name, value in (("threads", threads), ("batch_size", batch_size)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        if not isinstance(rules, DecisionRules | None):
            raise ConfigError(f"rules must be DecisionRules, got {rules!r:.80}: give DecisionRules(text_threshold=...)")
        self.path = Path(folder)
        model = read_folder(self.path)
        self.rules = rules or DecisionRules()
        self.schema: Schema = model.schema
        self.thresholds: Thresholds = model.thresholds
        graphs = {
            name: Graph(self.path / f"{name}.onnx", *signature, threads=threads, batch_size=batch_size)
            for name, signature in _SIGNATURES.items()
        }
        own = self.rules.schema
        scored = model.schema if own is None else with_new_relations(model.schema, own)
        self._scorer = Scorer(Featurizer(model.tokenizer, scored, model.settings), scored, **graphs)

    def verify(self, text: str, candidates: Sequence[CandidateLike]) -> list[Verdict]:
        """Judge the candidates of one text.

        Args:
            text: The text; longer than the encoder is cut into windows.
            candidates: Candidates, bare triples, or mappings with the keys of a row's `triples`.

        Returns:
            One verdict per candidate, in their order.

        Raises:
            DataError: The text or a candidate is malformed, or there are too many.
        """
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs: Sequence[tuple[str, Sequence[CandidateLike]]]) -> list[list[Verdict]]:
        """Judge several texts at once; the verdicts are those that `verify` gives for each text alone.

        Args:
            pairs: Texts with their candidates.

        Returns:
            For each text the verdicts of its candidates, in their order.

        Raises:
            DataError: As in `verify`, for any of the texts.
        """
        rows = as_pairs(pairs)
        judged, new = [], self.new_relations
        for (text, candidates), (read, scores) in zip(rows, self._score(rows), strict=True):
            said = [one.said for one in read]
            verdicts = decide(text, said, scores, self.schema, self.thresholds, self.rules, new)
            judged.append(list(map(about, candidates, verdicts)))
        return judged

    def score_many(
        self,
        pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]],
        strategies: Sequence[PairStrategy] = ALL_STRATEGIES,
    ) -> list[list[Scores]]:
        """The scores behind the verdicts, before any check or threshold; for fitting thresholds.

        Args:
            pairs: Texts with their candidates.
            strategies: Ways of finding what a candidate is compared with.

        Returns:
            For each text the scores of its candidates, in their order.

        Raises:
            DataError: As in `verify`, for any of the texts.
        """
        return [scores for _, scores in self.score_as_read(pairs, strategies)]

    def score_as_read(
        self,
        pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]],
        strategies: Sequence[PairStrategy] = ALL_STRATEGIES,
    ) -> list[Judged]:
        """The scores of `score_many`, with the candidates as they were read: that is what checks are applied to.

        Args:
            pairs: Texts with their candidates.
            strategies: Ways of finding what a candidate is compared with.

        Returns:
            For each text its candidates as read (turned round, in the reading that the text supports best, without
            invisible characters) and their scores, in their order.

        Raises:
            DataError: As in `verify`, for any of the texts.
        """
        scored = self._score(as_pairs(pairs), strategies)
        return [([one.said for one in read], scores) for read, scores in scored]

    def attention(self, text: str, candidate: CandidateLike) -> Attention:
        """Where a triple looks in the text; text and triple are read as `verify` reads them.

        Raises:
            DataError: The text or the triple is malformed.
        """
        row = as_pair(text, [candidate])
        [([read], _)] = self._score([row], strategies=())
        return attention_of(self._scorer, VisibleText.of(row[0]), read.judged.triple)

    def comparisons(self, candidates: Sequence[Candidate | Triple]) -> list[Comparison]:
        """What the scores of the candidates of one text are compared with, one per candidate.

        Raises:
            DataError: A candidate is malformed.
        """
        # Which of several readings is judged, only the scores can tell.
        judged = [self._reads(as_candidate(candidate))[0].judged for candidate in candidates]
        return comparisons(judged, self._scorer.schema, self.thresholds, self.rules, self.new_relations)

    @property
    def new_relations(self) -> frozenset[str]:
        """Relations of a schema given with the rules that the model has not learned, under their own or another word.

        Their cue words, near misses and paraphrases are looked at, but what the scores make of them is a guess.
        """
        return frozenset() if self.rules.schema is None else new_relations(self.schema, self.rules.schema)

    def _reads(self, candidate: Candidate) -> tuple[Read, ...]:
        scored = self._scorer.schema
        return reads_of(seen(candidate), scored if self.rules.schema is None else self.rules.schema, scored)

    def _score(
        self, rows: list[Row], strategies: Sequence[PairStrategy] = ALL_STRATEGIES
    ) -> Iterator[tuple[list[Read], list[Scores]]]:
        """The candidates of each row as they are read, with their scores."""
        texts = [VisibleText.of(text) for text, _ in rows]
        readings = [[self._reads(candidate) for candidate in row] for _, row in rows]
        said = [
            (text.text, [one.judged for group in groups for one in group])
            for text, groups in zip(texts, readings, strict=True)
        ]
        scored = (scores for group in _groups(said) for scores in self._scorer.score(group, strategies))
        for text, groups, scores in zip(texts, readings, scored, strict=True):
            yield best_read(groups, [_placed(one, text) for one in scores])


def _placed(scores: Scores, text: VisibleText) -> Scores:
    """Scores whose places are those of the text as it was given."""
    modality = scores.modality and scores.modality._replace(cue=text.original(scores.modality.cue))
    return replace(scores, evidence=tuple(map(text.original, scores.evidence)), modality=modality)


def load_verifier(
    name_or_path: str | Path = DEFAULT_MODEL,
    *,
    threads: int | None = None,
    rules: DecisionRules | None = None,
) -> OnnxVerifier:
    """Load a bundled model by name, or a model folder.

    Args:
        name_or_path: `mini-zh`, or the path of a model folder.
        threads: Threads per call; None takes all CPUs that this process may use.
        rules: Checks to apply and thresholds that replace the fitted ones.

    Raises:
        ModelError: There is no such model, or its folder is incomplete, damaged or of another version.
        ConfigError: `threads` is below 1, or `rules` are no `DecisionRules`.
    """
    return OnnxVerifier(find_folder(name_or_path), rules=rules, threads=threads)


_SIGNATURES = {
    "encoder": (("input_ids", "attention_mask"), (), ("states",)),
    "pair": (
        (
            "text_states",
            "text_mask",
            "text_row",
            "judged",
            "triple_states",
            "triple_mask",
            "role_ids",
            "marks",
            "values",
            "text_ids",
        ),
        ("text_row",),
        ("text_score", "triple_vectors", "attention"),
    ),
    "compare": (("left", "left_mask", "right", "right_mask"), (), ("pair_score",)),
}
"""Inputs, those of them that must be there, and outputs of the graphs, as docs/architecture.md lists them."""


def _groups(rows: list[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    count = 0
    for row in rows:
        full = len(group) == MAX_GROUP_TEXTS or count + len(row[1]) > MAX_GROUP_CANDIDATES
        if group and full:
            yield group
            group, count = [], 0
        group.append(row)
        count += len(row[1])
    if group:
        yield group
