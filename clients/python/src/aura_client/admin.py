"""What operators see and do (contract, section 5.7). Everybody else gets 403."""

from __future__ import annotations

from typing import cast

from .errors import AuraError
from .paths import segment
from .sessions import CancelOutcome, cancelled, given
from .transport import Request, Transport
from .types import Hold, HoldList, RunPage, SessionStatus


class Admin:
    """`client.admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def runs(
        self,
        *,
        tenant: str | None = None,
        status: SessionStatus | None = None,
        limit: int | None = None,
        before: str | None = None,
    ) -> RunPage:
        """A page of the runs of all tenants, newest first. `before`: `next` of the page before.

        It may have none although `next` says where to go on: the server looks at a bounded part of all runs for each page.
        """
        params = given(tenant=tenant, status=status, limit=limit, before=before)
        answer = await self._transport.call(Request("GET", "/aura/admin/runs", params=params))
        return cast(RunPage, answer.object())

    async def cancel(self, session_id: str) -> CancelOutcome:
        """Stops a run of any tenant."""
        return await cancelled(
            self._transport, session_id, f"/aura/admin/runs/{segment('session_id', session_id)}/cancel"
        )

    async def holds(self) -> list[Hold]:
        """What is stopped."""
        answer = await self._transport.call(Request("GET", "/aura/admin/holds"))
        return cast(HoldList, answer.object())["holds"]

    async def hold(
        self, name: str, *, reason: str, tool: str | None = None, runs: bool = False, tenant: str | None = None
    ) -> Hold:
        """Stops new runs, or a tool, on all replicas at once, in the place of a hold of the same name.

        `tenant`: only for this one.
        """
        body = {"reason": reason, "runs": runs, **given(tool=tool, tenant=tenant)}
        answer = await self._transport.call(Request("PUT", f"/aura/admin/holds/{segment('name', name)}", body=body))
        return cast(Hold, answer.object())

    async def lift(self, name: str) -> Hold | None:
        """Lifts a hold; what it was, or `None` if there is none of that name (or an attempt of this call has lifted it)."""
        try:
            answer = await self._transport.call(Request("DELETE", f"/aura/admin/holds/{segment('name', name)}"))
        except AuraError as error:
            if error.status == 404:
                return None
            raise
        return cast(Hold, answer.object())
