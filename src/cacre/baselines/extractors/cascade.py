"""What cascade systems share: the gold subjects of a batch, and the objects of each."""

from __future__ import annotations

from collections.abc import Sequence

from cacre.baselines.extractors.batches import Batch
from cacre.baselines.extractors.windows import TokenSpan


def gold_subjects(batch: Batch) -> list[tuple[int, TokenSpan]]:
    """(row, subject) of all gold links, each once, row by row."""
    return [
        (row, span) for row, item in enumerate(batch.items) for span in sorted({link.subject for link in item.links})
    ]


def object_marks(batch: Batch, subjects: Sequence[tuple[int, TokenSpan]]) -> list[tuple[int, int, TokenSpan]]:
    """(number of the subject, tag, object) of all gold links, as `span_labels` takes them.

    Args:
        batch: With gold.
        subjects: What `gold_subjects` gives.
    """
    number = {subject: place for place, subject in enumerate(subjects)}
    return [
        (number[row, link.subject], link.tag, link.object)
        for row, item in enumerate(batch.items)
        for link in item.links
    ]
