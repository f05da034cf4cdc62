"""How long to wait before another attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """How failed requests and lost connections are repeated. Times are seconds."""

    initial_delay: float = 0.25
    """Before the first repetition, about; each further one waits for twice as long."""
    max_delay: float = 10.0
    """What a wait takes at most, unless the server asks for more."""
    max_retry_after: float = 120.0
    """What the server may ask to wait for (`Retry-After`); for more, its refusal is raised."""
    max_attempts: int = 30
    """Attempts in a row without progress before a stream is given up: the waits between them come to three or four
    minutes, and each attempt to which nobody answers takes up to `idle_timeout` besides. An event that is handed out is
    progress. What only shows that the server is there (a keep-alive, or an inbox that begins anew) counts on a
    connection that has lasted longer than `max_delay`: long waits are no failure, and a server that breaks off each
    time at once is given up."""
    max_request_attempts: int = 6
    """The same for a request that is no stream: the waits between them come to four to eight seconds."""


class Backoff:
    """Exponential waits with jitter, so that clients of a server that was away do not all return at once."""

    def __init__(self, retry: Retry, max_attempts: int) -> None:
        self._retry = retry
        self._max_attempts = max_attempts
        self.failures = 0

    def reset(self) -> None:
        """Something was achieved: the next failure is a first one."""
        self.failures = 0

    def fail(self, retry_after: float | None) -> float | None:
        """Seconds to wait after one more failure; `None` once there were too many, or if it takes too long."""
        self.failures += 1
        if self.failures >= self._max_attempts or (retry_after or 0.0) > self._retry.max_retry_after:
            return None
        # No float is larger than 2.0 ** 1023; long before, it is `max_delay` that counts.
        full = min(self._retry.max_delay, self._retry.initial_delay * 2.0 ** min(self.failures - 1, 60))
        return max(full * random.uniform(0.5, 1.0), retry_after or 0.0)
