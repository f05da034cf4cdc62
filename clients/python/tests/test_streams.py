"""Streams against the real server, through a proxy that cuts them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
from support.process import eventually
from support.proxy import Cut
from support.scene import MAIL, Scene, approving_all, bytes_of, every
from support.server import token

from aura_client import AuraClient, AuraError, Decided, Reconnect, RunEvent

Start = Callable[..., Awaitable[Scene]]
STRICT = {"AURA__AUTH__LEEWAY_SECONDS": "0", "AURA__AUTH__CLOSE_STREAMS_AT_EXPIRY": "true"}


@pytest.mark.parametrize("within", ["nothing", "half", "character"])
async def test_a_run_with_an_approval_that_is_cut_after_every_event_has_every_event_once(
    scene: Start, within: Literal["nothing", "half", "character"]
) -> None:
    # A keep-alive would be the frame that gets through, and brings nobody further.
    at = await scene(AURA__STREAM__KEEP_ALIVE_SECONDS=15)
    at.proxy.plan = lambda _: Cut(1, within)
    client = await at.client()
    reconnects: list[Reconnect] = []
    run = client.run(MAIL, on_reconnect=reconnects.append)
    events = await approving_all(client, run)
    assert bytes_of(events) == await at.journal(await run.session_id())
    assert at.proxy.cuts >= len(events)
    assert len(reconnects) == at.proxy.streams - 1
    assert {reconnect.attempt for reconnect in reconnects} == {1}, "each connection brought one further"
    result = await run.result()
    assert result.status == "completed" and "kim@example.com" in result.answer


async def test_a_stream_that_is_joined_anywhere_is_the_journal_from_there(scene: Start) -> None:
    at = await scene()
    client = await at.client()
    run = client.run("안녕하세요 words=5")
    whole = await every(run)
    at.proxy.plan = lambda stream: Cut(0, "half") if stream % 2 else Cut(2)
    for place, after in enumerate(whole):
        rest = await every(client.join(await run.session_id(), last_event_id=after.id))
        assert bytes_of(rest) == bytes_of(whole[place + 1 :])
    over = int((await client.sessions.get(await run.session_id()))["lastEventId"])
    assert await every(client.join(await run.session_id(), last_event_id=over)) == []


async def test_a_server_that_is_killed_while_a_person_is_asked_costs_a_run_nothing(scene: Start) -> None:
    at = await scene(durable=True)
    client = await at.client()
    run = client.run(MAIL)
    events: list[RunEvent] = []
    async for event in run:
        events.append(event)
        if event.type == "hitl":
            await at.server.kill()
            # Nobody is there: it is repeated until somebody is.
            approval = asyncio.create_task(client.approvals.approve(event.data["requestId"]))
            await at.server.restart()
            outcome = await approval
            assert isinstance(outcome, Decided) and outcome.status == "approved"
    assert bytes_of(events) == await at.journal(await run.session_id())
    assert any(event.type == "tool_execution" and event.data["status"] == "success" for event in events)


async def test_a_server_that_is_killed_in_the_middle_of_an_answer_costs_a_run_nothing(scene: Start) -> None:
    at = await scene(durable=True)
    run = (await at.client()).run("안녕하세요 words=3000")
    events: list[RunEvent] = []
    restarted: asyncio.Task[None] | None = None
    async for event in run:
        events.append(event)
        if event.type == "content" and restarted is None:
            await at.server.kill()
            restarted = asyncio.create_task(at.server.restart())
    assert restarted is not None
    await restarted
    assert bytes_of(events) == await at.journal(await run.session_id())
    result = await run.result()
    assert result.status == "completed" and len(result.answer.split()) == 3000


async def test_a_start_whose_answer_is_lost_starts_one_run(scene: Start) -> None:
    at = await scene()
    at.proxy.plan = lambda stream: Cut(-1) if stream < 3 else Cut(0) if stream < 6 else None
    client = await at.client()
    run = client.run("안녕하세요")
    assert (await every(run))[0].type == "start"
    assert at.proxy.cuts == 6
    assert [s["sessionId"] for s in (await client.sessions.list())["sessions"]] == [await run.session_id()]


async def test_a_stream_that_is_broken_off_when_its_token_expires_goes_on_with_a_new_one(scene: Start) -> None:
    at = await scene(**STRICT)
    # Good for so many seconds and more: time for a request also where others keep the machine busy.
    seconds = 3
    kept, renewals = token(seconds=seconds), 0

    async def source(renew: bool) -> str:
        nonlocal kept, renewals
        if renew:
            renewals += 1
            kept = token(seconds=seconds)
        return kept

    client = await at.client(source=source)
    run = client.run(MAIL)
    events: list[RunEvent] = []
    async for event in run:
        events.append(event)
        if event.type == "hitl":
            await asyncio.sleep(seconds + 1.1)
            await client.approvals.approve(event.data["requestId"])
    assert renewals >= 1
    assert bytes_of(events) == await at.journal(await run.session_id())


async def test_a_token_function_is_asked_once_more_and_then_given_up(scene: Start) -> None:
    at = await scene(**STRICT)
    asked: list[bool] = []

    def stubborn(renew: bool) -> str:
        asked.append(renew)
        return token(seconds=-60)

    for source, calls in ((stubborn, [False, True]), (token(seconds=-60), [])):
        asked.clear()
        client = await at.client(source=source)
        with pytest.raises(AuraError) as refused:
            await client.run("안녕").result()
        assert (refused.value.status, refused.value.code, refused.value.retryable) == (401, "E2002", False)
        assert asked == calls


async def test_too_many_runs_wait_as_long_as_they_are_told(scene: Start) -> None:
    at = await scene(AURA__LIMITS__RUNS_PER_USER=1)
    client = await at.client()
    async with client.run(MAIL) as blocking:
        await blocking.session_id()
        reconnects: list[Reconnect] = []
        refused = asyncio.Event()

        def note(reconnect: Reconnect) -> None:
            reconnects.append(reconnect)
            refused.set()

        waiting = asyncio.create_task(client.run("안녕하세요", on_reconnect=note).result())
        await asyncio.wait_for(refused.wait(), 30)
        reason = reconnects[0].reason
        assert (reason.status, reason.code, reason.retry_after) == (429, "E4290", 5.0)
        await blocking.cancel()
        assert (await blocking.result()).status == "cancelled"
        assert (await waiting).status == "completed"


async def test_leaving_a_run_leaves_it_on_the_server(scene: Start) -> None:
    at = await scene()
    client = await at.client()
    async with client.run(MAIL) as run:
        seen = [await anext(run)]
    session_id = await run.session_id()
    for more in (anext(run), run.result()):
        with pytest.raises(AuraError, match="left"):
            await more
    async with client.join(session_id, last_event_id=seen[0].id) as again:
        async for event in again:
            seen.append(event)
            if event.type == "hitl":
                break
    assert (await client.sessions.get(session_id))["status"] == "waiting_approval"
    assert (await client.sessions.cancel(session_id)).was_over is False
    assert (await client.sessions.cancel(session_id)).was_over is True
    rest = await every(client.join(session_id, last_event_id=seen[-1].id))
    assert bytes_of([*seen, *rest]) == await at.journal(session_id)


async def test_a_wait_that_is_cancelled_costs_no_event(scene: Start) -> None:
    at = await scene()
    client = await at.client()
    run = client.run(MAIL)
    events: list[RunEvent] = []

    async def waits_in_vain() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(run), 0.3)

    async for event in run:
        events.append(event)
        if event.type == "hitl":
            await waits_in_vain()
            await waits_in_vain()
            await client.approvals.approve(event.data["requestId"])
    assert events[-1].type == "end"
    assert bytes_of(events) == await at.journal(await run.session_id())
    assert (await run.result()).status == "completed"


async def test_a_run_that_somebody_reads_can_be_cancelled_by_somebody_else(scene: Start) -> None:
    at = await scene()
    client = await at.client()
    run = client.run(MAIL)
    reading = asyncio.create_task(every(run))
    session_id = await run.session_id()

    async def waits() -> bool:
        return (await client.sessions.get(session_id))["status"] == "waiting_approval"

    await eventually("it waits", waits)
    await asyncio.wait_for(run.cancel(), 10)
    last = (await reading)[-1]
    assert last.type == "end" and last.data["status"] == "cancelled"
    assert (await run.result()).status == "cancelled"


async def test_what_is_refused_for_good_is_an_error_at_once(scene: Start) -> None:
    at = await scene()
    client, stranger = await at.client(), await at.client(user="2")
    session_id = (await client.run("안녕", idempotency_key="order-66").result()).session_id
    with pytest.raises(AuraError) as conflict:
        await client.run("잘가", idempotency_key="order-66").result()
    assert (conflict.value.status, conflict.value.code) == (409, "E3006")
    with pytest.raises(AuraError) as missing:
        await stranger.join(session_id).result()
    assert (missing.value.status, missing.value.code, missing.value.retryable) == (404, "E1004", False)
    assert missing.value.trace_id
    assert (await client.run("안녕", idempotency_key="order-66").result()).session_id == session_id


async def test_ids_may_be_integers_as_in_a_token_and_what_is_no_id_is_named(scene: Start) -> None:
    base = (await scene()).server.base
    async with AuraClient(base, token=token(), tenant_id=1, user_id=1) as client:
        assert (await client.sessions.list())["sessions"] == []
    with pytest.raises(TypeError, match=r"^tenant_id must be a str or an int, not NoneType$"):
        AuraClient(base, token="t", tenant_id=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^user_id must be a str or an int, not bool$"):
        AuraClient(base, token="t", tenant_id="1", user_id=True)
