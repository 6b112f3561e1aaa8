"""What goes wrong between a client and the service, on either side."""

from __future__ import annotations

from typing import Any

from cacre.errors import CacreError, DataError

TIMEOUT = "timeout"
"""The code of a request that the service could not do in its time."""


class RefusalError(CacreError):
    """The service's side: a request that is answered with an error.

    Args:
        status: HTTP status.
        code: Name of the kind of error, for programs; docs/service.md lists them.
        message: What was received, what is allowed, and what to do; never a whole text.
        field: The part of the row at fault, such as `triples[2].subject`.
        row: Index of the row at fault in the request, from 0.
        retry_after: Seconds after which another try makes sense.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        row: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.status, self.code, self.message = status, code, message
        self.field, self.row, self.retry_after = field, row, retry_after
        super().__init__(message)

    @classmethod
    def of(cls, error: DataError, row: int | None = None) -> RefusalError:
        """A row that cannot be used."""
        return cls(422, "invalid", error.reason, field=error.field, row=row)

    def body(self) -> dict[str, Any]:
        """The response's body: the same four keys for every error."""
        return {"error": {"code": self.code, "message": self.message, "field": self.field, "row": self.row}}

    def headers(self) -> dict[str, str]:
        """The response's headers that belong to the status."""
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        if self.status == 401:
            headers["www-authenticate"] = 'Bearer realm="cacre"'
        return headers


class TooMuchError(DataError):
    """The client's side: the request is more than the service takes at once (413); several smaller ones may pass."""


class ServiceError(CacreError):
    """The client's side: the service gave no answer that can be used.

    Args:
        message: What happened and what to do.
        status: HTTP status; None where no response came.
        code: The service's name for the kind of error.
        retry_after: Seconds that the service asks to wait before another try; None if it does not.
    """

    def __init__(
        self, message: str, *, status: int | None = None, code: str | None = None, retry_after: float | None = None
    ) -> None:
        self.status, self.code, self.retry_after = status, code, retry_after
        super().__init__(message)
