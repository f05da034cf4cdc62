"""Client of Aura-Platform: runs as resumable streams of typed events, sessions, approvals."""

from .approvals import Decided, Endorsed, InboxWatch, ReviewOutcome, Superseded
from .client import AuraClient
from .errors import AuraError
from .events import Event, InboxEvent, RunEvent, UnknownEvent
from .resumable import Reconnect
from .retry import Retry
from .run import AuraRun, RunResult
from .sessions import CancelOutcome
from .transport import TokenSource

__all__ = [
    "AuraClient",
    "AuraError",
    "AuraRun",
    "CancelOutcome",
    "Decided",
    "Endorsed",
    "Event",
    "InboxEvent",
    "InboxWatch",
    "Reconnect",
    "Retry",
    "ReviewOutcome",
    "RunEvent",
    "RunResult",
    "Superseded",
    "TokenSource",
    "UnknownEvent",
]
