"""Scores of candidates from the three graphs: encode once, pair, compare.

Within one group of texts each text window and each triple is encoded once, and each (window, triple) is paired once,
however often it occurs.

Shapes: `L_T` tokens of a text window, `L_R` tokens of a triple, `D` encoder size, `P` projection size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cacre.config import ModelSettings
from cacre.inference.decision import PairStrategy, Scores
from cacre.inference.evidence import evidence_spans, mention_marks
from cacre.inference.graph import BATCH_SIZE, Graph, batches
from cacre.inference.pairing import ALL_STRATEGIES, Companions, plan_companions
from cacre.inference.snapping import as_written, whole_characters
from cacre.preprocessing.evidence import MARKS
from cacre.preprocessing.featurizer import EvidenceFeatures, Featurizer, TextFeatures, TripleFeatures, pad
from cacre.schema import Schema
from cacre.types import Candidate, Modality, Span, Triple

Array = NDArray[Any]
WindowKey = tuple[str, int]
"""A text and the number of its window."""
PairKey = tuple[str, int, Triple]
ENTITY_ROLES = (1, 3)
"""Role ids of subject and object tokens, as the featuriser gives them."""
_CUE_MARK = MARKS.index("cue")
DIGITS = 6
"""Scores are rounded before they meet a threshold, so that a written verdict can be checked from its own row."""


@dataclass(frozen=True, slots=True)
class PairResult:
    """What `pair.onnx` says about a (window, triple).

    Args:
        text_score: S_st.
        vectors: X_R after projection, `[L_R, P]`.
        evidence: Character spans of the text, best first.
        modality: How the text puts the triple, where it does not simply assert it.
    """

    text_score: float
    vectors: Array
    evidence: tuple[Span, ...]
    modality: Modality | None


@dataclass
class _Work:
    """Everything that one group of texts needs, each thing once; dicts keep the order of first use."""

    windows: dict[str, list[TextFeatures]] = field(default_factory=dict)
    used: dict[WindowKey, TextFeatures] = field(default_factory=dict)
    triples: dict[Triple, TripleFeatures] = field(default_factory=dict)
    pairs: dict[PairKey, bool] = field(default_factory=dict)  # whether it is judged, not only compared with
    evidence: dict[PairKey, EvidenceFeatures] = field(default_factory=dict)  # of canonical triples
    comparisons: dict[tuple[PairKey, PairKey], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _States:
    """States of each text window, `[L_T, D]`, and of each triple, `[L_R, D]`."""

    text: dict[WindowKey, Array]
    triple: dict[Triple, Array]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one candidate needs: its own pair and those of its companions."""

    own: PairKey
    companions: Companions
    others: tuple[PairKey, ...]


@dataclass(frozen=True, slots=True)
class Scorer:
    """The three graphs and what feeds them.

    Args:
        featurizer: Strings to arrays.
        schema: Makes paraphrases.
        encoder: `encoder.onnx`.
        pair: `pair.onnx`.
        compare: `compare.onnx`.

    Where the parts of triples are encoded, the schema's predicates are encoded once and for all.
    """

    featurizer: Featurizer
    schema: Schema
    encoder: Graph
    pair: Graph
    compare: Graph
    _known: dict[bytes, Array] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.featurizer.settings.triple_encoding == "parts":
            names = dict.fromkeys(
                name for r in self.schema.relations.values() for name in (r.name, *r.synonyms, *r.inverses)
            )
            predicates = [self.featurizer.triple(Triple("", name, "")).pieces[1] for name in names]
            self._known.update(zip((p.tobytes() for p in predicates), self._encode(predicates), strict=True))

    def score(
        self, rows: Sequence[tuple[str, list[Candidate]]], strategies: Sequence[PairStrategy] = ALL_STRATEGIES
    ) -> list[list[Scores]]:
        """Score the candidates of a group of texts.

        Args:
            rows: Texts with their candidates.
            strategies: Ways of finding what a candidate is compared with.

        Returns:
            For each row the scores of its candidates, in their order.
        """
        work = _Work()
        plans = [self._plan(work, text, as_written(text, candidates), strategies) for text, candidates in rows]
        results = self._run_pairs(work)
        self._run_comparisons(work, results)
        return [[_scores(plan, work, results) for plan in row] for row in plans]

    def attend(self, text: str, triple: Triple) -> tuple[TextFeatures, TripleFeatures, Array]:
        """The window that a triple is paired with, its tokens, and the attention between them, `[L_R, L_T]`."""
        triple = as_written(text, [Candidate(triple)])[0].triple
        work = _Work({text: self.featurizer.windows(text)})
        key = (text, self._choose(work.windows[text], triple), triple)
        self._enter(work, key, judged=True)
        window, tokens = work.used[key[:2]], work.triples[triple]
        states = self._states(work)
        evidence = [self.featurizer.evidence(window, triple)] * 2
        ((_, shape),) = batches([(len(window.ids), len(tokens.ids))], 1)
        _, _, attention = self.pair.run(**self._pair_inputs(work, [key] * 2, states, evidence, shape))
        return window, tokens, attention[0, : len(tokens.ids), : len(window.ids)]

    def _plan(
        self, work: _Work, text: str, candidates: list[Candidate], strategies: Sequence[PairStrategy]
    ) -> list[Plan]:
        """Enter what the candidates of one text need in `work`."""
        if not candidates:
            return []
        if text not in work.windows:
            work.windows[text] = self.featurizer.windows(text)
        windows = work.windows[text]
        # A sibling is looked up in its own window, a paraphrase in the window of its candidate.
        place = {c.triple: self._choose(windows, c.triple) for c in candidates}
        plans = []
        companions_of = plan_companions(candidates, self.schema, strategies)
        for candidate, companions in zip(candidates, companions_of, strict=True):
            window = place[candidate.triple]
            siblings = companions.strategy == "siblings"
            others = tuple((text, place[t] if siblings else window, t) for t in companions.triples)
            plan = Plan((text, window, candidate.triple), companions, others)
            plans.append(plan)
            self._enter(work, plan.own, judged=True)
            for other in others:
                self._enter(work, other, judged=False)
            work.comparisons.update({(plan.own, other): 0.0 for other in others})
        return plans

    def _choose(self, windows: list[TextFeatures], triple: Triple) -> int:
        return self.featurizer.choose_window(windows, triple) if len(windows) > 1 else 0

    def _enter(self, work: _Work, key: PairKey, *, judged: bool) -> None:
        text, window, triple = key
        work.pairs[key] = work.pairs.get(key, False) or judged
        work.used[text, window] = work.windows[text][window]
        if triple not in work.triples:
            work.triples[triple] = self.featurizer.triple(triple)

    def _encode(self, ids: Sequence[Array]) -> list[Array]:
        """Token ids, each `[L]`, to states, each `[L, D]`."""
        states: list[Array] = [np.empty(0)] * len(ids)
        for rows, inputs in encoder_batches(ids, self.featurizer.settings, self.encoder.batch_size):
            (output,) = self.encoder.run(**inputs)  # [B, L, D]
            for row, state in zip(rows, output, strict=True):
                # A copy, so that the padded batch can be freed.
                states[row] = state[: len(ids[row])].copy()
        return states

    def _states(self, work: _Work) -> _States:
        text = dict(zip(work.used, self._encode([w.ids for w in work.used.values()]), strict=True))
        return _States(text, self._encode_triples(work))

    def _encode_triples(self, work: _Work) -> dict[Triple, Array]:
        """States of each triple, `[L_R, D]`; of a part that several of them share only one was computed."""
        pieces = {piece.tobytes(): piece for tokens in work.triples.values() for piece in tokens.pieces}
        new = {key: piece for key, piece in pieces.items() if key not in self._known}
        states = self._known | dict(zip(new, self._encode(list(new.values())), strict=True))
        return {
            triple: tokens.assemble([states[piece.tobytes()] for piece in tokens.pieces])
            for triple, tokens in work.triples.items()
        }

    def _run_pairs(self, work: _Work) -> dict[PairKey, PairResult]:
        states = self._states(work)
        keys = list(work.pairs)
        lengths = [(len(states.text[text, window]), len(states.triple[triple])) for text, window, triple in keys]
        results: dict[PairKey, PairResult] = {}
        for rows, shape in batches(lengths, self.pair.batch_size):
            batch = [keys[row] for row in rows]
            if len(batch) == 1:  # one row is multiplied by another kernel, which sums in another order
                batch *= 2
            evidence = [self._evidence(work, key) for key in batch]
            outputs = self.pair.run(**self._pair_inputs(work, batch, states, evidence, shape))
            for key, given, score, vectors, attention in zip(batch, evidence, *outputs, strict=True):
                l_t, l_r = len(states.text[key[:2]]), len(states.triple[key[2]])
                spans = self._spans(work, key, given, attention[:l_r, :l_t]) if work.pairs[key] else ()
                # A model that does not mask padding compares triples over all positions, as it did in training (A3).
                kept = vectors[:l_r] if self.featurizer.settings.mask_padding else vectors
                modality = self.featurizer.modality(work.used[key[:2]], key[2]) if work.pairs[key] else None
                results[key] = PairResult(round(float(score), DIGITS), kept.copy(), spans, modality)
        return results

    def _evidence(self, work: _Work, key: PairKey) -> EvidenceFeatures:
        """String evidence of a pair; a candidate shares it with its paraphrases by synonym."""
        text, window, triple = key
        canonical = (text, window, self.featurizer.canonical(triple))
        if canonical not in work.evidence:
            work.evidence[canonical] = self.featurizer.evidence(work.used[text, window], triple)
        return work.evidence[canonical]

    def _spans(self, work: _Work, key: PairKey, evidence: EvidenceFeatures, attention: Array) -> tuple[Span, ...]:
        spans = evidence_spans(
            attention,
            work.triples[key[2]].role_ids,
            work.used[key[:2]].offsets,
            ENTITY_ROLES,
            mentions=mention_marks(evidence.marks),
            cues=evidence.marks[:, _CUE_MARK],
        )
        return tuple(whole_characters(key[0], span) for span in spans)

    def _fixed_lengths(self) -> tuple[int, int] | None:
        """L_T and L_R of a model that pads to the maximum (A2), whose graph has no other lengths."""
        settings = self.featurizer.settings
        return (settings.max_text_length, settings.max_triple_length) if settings.pad_to_max else None

    def _pair_inputs(
        self,
        work: _Work,
        batch: list[PairKey],
        states: _States,
        evidence: list[EvidenceFeatures],
        shape: tuple[int, ...],
    ) -> dict[str, Array]:
        text_length, triple_length = self._fixed_lengths() or shape
        row = {window: number for number, window in enumerate(dict.fromkeys(key[:2] for key in batch))}
        text_states, text_mask = pad([states.text[window] for window in row], text_length)  # [T, L_T, D], [T, L_T]
        triple_states, triple_mask = pad([states.triple[key[2]] for key in batch], triple_length)  # [C, L_R, D]
        judged = [number for number, key in enumerate(batch) if work.pairs[key]] or [0]
        return {
            "text_states": text_states,
            "text_mask": text_mask,
            "text_ids": pad([work.used[window].ids for window in row], text_length)[0],  # [T, L_T]
            "text_row": np.asarray([row[key[:2]] for key in batch], np.int64),  # [C]
            "judged": np.asarray(judged if len(judged) > 1 else judged * 2, np.int64),
            "triple_states": triple_states,
            "triple_mask": triple_mask,
            "role_ids": pad([work.triples[key[2]].role_ids for key in batch], triple_length)[0],  # [C, L_R]
            "marks": pad([e.marks for e in evidence], text_length)[0],  # [C, L_T, M]
            "values": np.stack([e.values for e in evidence]),  # [C, F]
        }

    def _run_comparisons(self, work: _Work, results: dict[PairKey, PairResult]) -> None:
        keys = list(work.comparisons)
        lengths = [(len(results[left].vectors), len(results[right].vectors)) for left, right in keys]
        for rows, (l_left, l_right) in batches(lengths, self.compare.batch_size):
            left, left_mask = pad([results[keys[row][0]].vectors for row in rows], l_left)  # [C, L, P], [C, L]
            right, right_mask = pad([results[keys[row][1]].vectors for row in rows], l_right)  # [C, L', P], [C, L']
            (scores,) = self.compare.run(left=left, left_mask=left_mask, right=right, right_mask=right_mask)
            for row, score in zip(rows, scores, strict=True):
                work.comparisons[keys[row]] = round(float(score), DIGITS)


def _scores(plan: Plan, work: _Work, results: dict[PairKey, PairResult]) -> Scores:
    own = results[plan.own]
    pair_score = max((work.comparisons[plan.own, other] for other in plan.others), default=None)
    return Scores(own.text_score, pair_score, plan.companions.strategy, own.evidence, own.modality)


def encoder_batches(
    ids: Sequence[Array], settings: ModelSettings, size: int = BATCH_SIZE
) -> Iterator[tuple[list[int], dict[str, Array]]]:
    """Row numbers and the inputs of `encoder.onnx` for token ids, each `[L]`, at most `size` of like length at once."""
    longest = max(settings.max_text_length, settings.max_triple_length)  # perhaps all the positions there are
    for rows, (length,) in batches([(len(one),) for one in ids], size, longest):
        padded, mask = pad([ids[row] for row in rows], length)
        yield rows, {"input_ids": padded, "attention_mask": mask}
