"""A verifier that supports what a test lists, and remembers what it was asked."""

from __future__ import annotations

from cacre.types import Triple, Verdict


class ListedVerifier:
    def __init__(self, *supported: tuple[str, str, str]):
        self.supported, self.asked = {Triple(*triple) for triple in supported}, []

    def verify(self, text, candidates):
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs):
        self.asked += pairs
        return [[self._verdict(text, candidate) for candidate in candidates] for text, candidates in pairs]

    def _verdict(self, text, candidate):
        start = max(text.find(candidate.triple.object), 0)
        known = {"evidence": ((start, start + len(candidate.triple.object)),), "text_score": 0.5, "probability": 0.25}
        if candidate.triple in self.supported:
            return Verdict(candidate, "supported", **known)
        return Verdict(candidate, "rejected", **known, reason="text_score 0.500 below 0.600")
