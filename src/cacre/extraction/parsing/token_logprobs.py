"""The mean log probability of the tokens in which an answer says a triple."""

from __future__ import annotations

import itertools
import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from cacre.extraction.parsing.reading import Read
from cacre.llm.chat import TokenLogprob
from cacre.types import Span, Triple

_ORDERS = tuple(itertools.permutations(range(3)))


def with_logprobs(content: str, reads: Sequence[Read], logprobs: Sequence[TokenLogprob]) -> list[Read]:
    """Give each triple the mean log probability of the tokens that overlap its three parts.

    The parts are looked for in the answer one behind the other, in whatever order comes first, each triple behind the
    one before. A triple keeps None where a part is not found as it stands (JSON escapes), where a log probability is
    not finite, and all do where the tokens do not concatenate to the answer.

    Args:
        content: The answer.
        reads: Triples in the order of the answer.
        logprobs: Its tokens with their natural log probabilities.
    """
    if "".join(token.token for token in logprobs) != content:
        return list(reads)
    ends = list(itertools.accumulate(len(token.token) for token in logprobs))
    at, done = 0, []
    for read in reads:
        spans = _where(content, read.said.triple, max(at, read.start))
        if spans:
            at = max(end for _, end in spans)
            read = replace(read, said=replace(read.said, logprob=_mean(logprobs, ends, spans)))
        done.append(read)
    return done


def _where(content: str, triple: Triple, at: int) -> list[Span] | None:
    """Where the parts stand at or after `at`: quoted as JSON if they are, of all orders the one that ends first."""
    for needles in ([json.dumps(part, ensure_ascii=False) for part in triple], list(triple)):
        if any(content.find(needle, at) < 0 for needle in needles):
            continue
        quotes = len(needles[0]) - len(needles[0].strip('"')) > 0 and needles[0] != triple.subject
        found = [spans for order in _ORDERS if (spans := _in_order(content, [needles[i] for i in order], at))]
        if found:
            best = min(found, key=lambda spans: spans[-1][1])
            return [(start + 1, end - 1) for start, end in best] if quotes else best
    return None


def _in_order(content: str, needles: list[str], at: int) -> list[Span] | None:
    spans = []
    for needle in needles:
        start = content.find(needle, at)
        if start < 0:
            return None
        at = start + len(needle)
        spans.append((start, at))
    return spans


def _mean(logprobs: Sequence[TokenLogprob], ends: list[int], spans: list[Span]) -> float | None:
    tokens = {index for start, end in spans for index in range(bisect_right(ends, start), bisect_left(ends, end) + 1)}
    values = [logprobs[index].logprob for index in tokens if logprobs[index].token]
    mean = math.fsum(values) / len(values) if values and all(map(math.isfinite, values)) else None
    return mean
