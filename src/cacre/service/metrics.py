"""Numbers for Prometheus. No label takes a value that a client chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from cacre.inference.decision import MODALITIES, reason_kind
from cacre.types import Verdict

ROUTES = (
    "/",
    "/v1/verify",
    "/v1/filter",
    "/v1/explain",
    "/v1/extract",
    "/v1/model",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
)
"""Paths that are counted under their own name."""
OTHER = "other"

_REASONS = (
    "predicate not in schema",
    "type or direction violates schema",
    "subject and object are the same",
    "subject not in text",
    "object not in text",
    *(f"{kind} in text" for kind in MODALITIES),
    "text_score below threshold",
    "pair_score below threshold",
)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("cacre_requests", "Requests answered.", ["route", "status"], registry=self.registry)
        self._seconds = Histogram(
            "cacre_request_seconds",
            "Time from a request's headers to its response.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batch_rows = Histogram(
            "cacre_batch_rows", "Texts judged at once.", buckets=_SIZES, registry=self.registry
        )
        self._batch_triples = Histogram(
            "cacre_batch_triples", "Triples judged at once.", buckets=_SIZES, registry=self.registry
        )
        self._verdicts = Counter(
            "cacre_candidates", "Candidates by verdict.", ["verdict", "reason"], registry=self.registry
        )
        ProcessCollector(registry=self.registry)

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show a number that is looked up each time."""
        Gauge(name, meaning, registry=self.registry).set_function(value)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, rows: int, triples: int) -> None:
        """Count a batch."""
        self._batch_rows.observe(rows)
        self._batch_triples.observe(triples)

    def verdicts(self, rows: Iterable[Sequence[Verdict]]) -> None:
        """Count verdicts by outcome and kind of reason."""
        for verdict in (verdict for row in rows for verdict in row):
            reason = "" if verdict.reason is None else reason_kind(verdict.reason)
            known = reason if not reason or reason in _REASONS else OTHER
            self._verdicts.labels(verdict.outcome, known).inc()

    def page(self) -> tuple[bytes, str]:
        """The numbers in Prometheus's text format, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST


def route_of(path: str) -> str:
    """The name that a path is counted under."""
    return path if path in ROUTES else OTHER
