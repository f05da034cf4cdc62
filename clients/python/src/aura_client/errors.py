"""What can go wrong, as one type."""

from __future__ import annotations


class AuraError(Exception):
    """A refusal of the server, or a connection that could not be had.

    `status` is the HTTP status, 0 if there was no answer. `code` is the server's (`E4290`, …), or one of this client's:
    `connection` (there was none, or it broke more often than may be), `protocol` (something else than Aura-Platform
    has answered), `left` (the stream was left before its end, so there is nothing more to be had from it).
    `retry_after`: seconds, where the server says when to come again.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        retryable: bool,
        detail: str | None = None,
        trace_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retryable = retryable
        self.detail = detail
        self.trace_id = trace_id
        self.retry_after = retry_after


def connection_lost(why: str) -> AuraError:
    """There is no connection, or none any more; another attempt may help."""
    return AuraError(why, status=0, code="connection", retryable=True)


def left() -> AuraError:
    """The reader itself has closed the stream."""
    return AuraError("the stream was left before its end", status=0, code="left", retryable=False)


def not_aura(status: int, why: str) -> AuraError:
    """Something else than Aura-Platform has answered."""
    return AuraError(why, status=status, code="protocol", retryable=status >= 500)
