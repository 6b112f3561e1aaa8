"""Which failure of several counts, and which ends a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cacre.errors import AccessError, AnswerError, BudgetError, LLMError

Result = TypeVar("Result")
JOB_ENDS = (AccessError, BudgetError)
"""After these no further request can pass, whatever the text."""


def raise_gravest(outcomes: Sequence[Result | BaseException]) -> list[Result]:
    """The outcomes of questions asked together, unless one failed.

    Raises:
        BaseException: The gravest failure: a bug or a cancellation, what ends the job, what concerns one request.
    """
    for failure in sorted((o for o in outcomes if isinstance(o, BaseException)), key=_gravity):
        raise failure
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def raw_of(failure: LLMError) -> str | None:
    """The answer of which a failure speaks, as it came; None where there was none."""
    return failure.raw if isinstance(failure, AnswerError) else None


def _gravity(failure: BaseException) -> int:
    """Bugs and cancellations first, then what ends the job, then what concerns one request."""
    return 0 if not isinstance(failure, LLMError) else 1 if isinstance(failure, JOB_ENDS) else 2
