from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from support.scene import MAIL, Scene, every
from support.server import token

from aura_client import AuraError

Start = Callable[..., Awaitable[Scene]]
OPERATOR = token(user="chief", role="operator")


async def test_an_operator_sees_the_runs_of_all_and_stops_one(scene: Start) -> None:
    at = await scene()
    client, operator = await at.client(), await at.client(source=OPERATOR)
    done = client.run("안녕하세요")
    await every(done)
    finished = await done.session_id()
    run = client.run(MAIL)
    async for event in run:
        if event.type == "hitl":
            waiting = event.data["sessionId"]
            page = await operator.admin.runs()
            told = [(line["sessionId"], line["tenantId"], line["userId"], line["status"]) for line in page["runs"]]
            assert told == [(waiting, "1", "1", "waiting_approval"), (finished, "1", "1", "completed")]
            first = await operator.admin.runs(tenant="1", limit=1)
            second = await operator.admin.runs(tenant="1", limit=1, before=first["next"])
            assert ([line["sessionId"] for line in second["runs"]], second["next"]) == ([finished], None)
            assert (await operator.admin.runs(status="running"))["runs"] == []
            stopped = await operator.admin.cancel(waiting)
            assert (stopped.status, stopped.was_over) == ("cancelled", False)
            assert (await operator.admin.cancel(waiting)).was_over
    assert (await run.result()).status == "cancelled"


async def test_a_hold_stops_what_it_says_until_it_is_lifted_and_is_for_operators_alone(scene: Start) -> None:
    at = await scene()
    client, operator = await at.client(), await at.client(source=OPERATOR)
    put = await operator.admin.hold("no-mail", tool="send_email", tenant="1", reason="점검")
    assert (put["name"], put["runs"], put["putBy"]["userId"]) == ("no-mail", False, "chief")
    assert await operator.admin.holds() == [put]
    assert all(event.type != "hitl" for event in await every(client.run(MAIL)))
    assert await operator.admin.lift("no-mail") == put
    assert await operator.admin.lift("no-mail") is None

    await operator.admin.hold("no-runs", runs=True, reason="점검")
    with pytest.raises(AuraError) as stopped:
        await every(client.run(MAIL))
    assert (stopped.value.status, stopped.value.code, stopped.value.retryable) == (503, "E5000", False)
    await operator.admin.lift("no-runs")

    run = client.run(MAIL)
    async for event in run:
        if event.type == "hitl":
            await operator.admin.hold("no-mail", tool="send_email", reason="점검")
            with pytest.raises(AuraError) as held:
                await client.approvals.approve(event.data["requestId"])
            assert (held.value.status, held.value.code) == (409, "E3006")
            await operator.admin.lift("no-mail")
            await client.approvals.approve(event.data["requestId"])
    assert (await run.result()).status == "completed"
    with pytest.raises(AuraError) as forbidden:
        await client.admin.holds()
    assert (forbidden.value.status, forbidden.value.code) == (403, "E2001")
