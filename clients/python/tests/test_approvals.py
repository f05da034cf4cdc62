from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from support.process import eventually
from support.proxy import Cut
from support.scene import MAIL, Scene

from aura_client import AuraError, Decided, Endorsed, InboxEvent, Superseded

Start = Callable[..., Awaitable[Scene]]


async def test_a_rejection_ends_the_run_and_the_first_decision_stands(scene: Start) -> None:
    client = await (await scene()).client()
    run = client.run(MAIL)
    async for event in run:
        if event.type == "hitl":
            request_id = event.data["requestId"]
            assert (await client.approvals.get(request_id))["status"] == "pending"
            first = await client.approvals.reject(request_id, reason="나중에")
            second = await client.approvals.approve(request_id)
            assert isinstance(first, Decided) and isinstance(second, Decided)
            assert (first.status, first.is_first, first.reason) == ("rejected", True, "나중에")
            assert (second.status, second.is_first, second.reason) == ("rejected", False, "나중에")
    result = await run.result()
    assert (result.status, result.answer) == ("rejected", "")
    assert result.error is not None and result.error["errorType"] == "RejectionError"


async def test_changed_arguments_are_what_runs(scene: Start) -> None:
    client = await (await scene()).client()
    run = client.run(MAIL)
    async for event in run:
        if event.type == "hitl":
            with pytest.raises(AuraError) as wrong:
                await client.approvals.approve(event.data["requestId"], args={"nonsense": 1})
            assert (wrong.value.status, wrong.value.code) == (400, "E4000")
            args = {"to": ["lee@example.com"], "subject": "s", "body": "b"}
            await client.approvals.approve(event.data["requestId"], args=args)
    assert "lee@example.com" in (await run.result()).answer


async def test_where_two_have_to_agree_the_first_yes_is_recorded(scene: Start) -> None:
    at = await scene(AURA__TOOLS__APPROVERS__SEND_EMAIL="2 of tenant")
    one, other = await at.client(), await at.client(user="2")
    run = one.run(MAIL)
    async for event in run:
        if event.type == "hitl":
            first = await one.approvals.approve(event.data["requestId"])
            second = await other.approvals.approve(event.data["requestId"])
            assert isinstance(first, Endorsed) and (first.approvals, first.approvals_needed) == (1, 2)
            assert isinstance(second, Decided) and second.is_first
    assert (await run.result()).status == "completed"


async def test_an_edit_whose_answer_was_lost_is_told_as_what_it_was(scene: Start) -> None:
    at = await scene(AURA__TOOLS__APPROVERS__SEND_EMAIL="not_requester")
    one, other = await at.client(), await at.client(user="2")
    args = {"to": ["lee@example.com"], "subject": "s", "body": "b"}
    edited: list[Superseded] = []
    run = one.run(MAIL)
    async for event in run:
        if event.type == "hitl" and not edited:
            for _ in range(2):
                outcome = await other.approvals.approve(event.data["requestId"], args=args)
                assert isinstance(outcome, Superseded) and outcome.supersedes == event.data["requestId"]
                edited.append(outcome)
        elif event.type == "hitl":
            assert event.data["requestId"] == edited[0].request_id
            await one.approvals.approve(event.data["requestId"])
    assert edited[0].is_first and edited[1] == replace(edited[0], is_first=False)
    assert "lee@example.com" in (await run.result()).answer


def told(event: InboxEvent) -> str:
    if event.type == "snapshot" or event.type == "unknown":
        return event.type
    return f"{event.type} {event.data['request']['requestId']}"


async def test_whoever_watches_the_inbox_sees_what_is_asked_and_decided_through_cuts_and_a_kill(scene: Start) -> None:
    at = await scene(durable=True)
    at.proxy.plan = lambda stream: Cut(1, "half" if stream % 2 else "character")
    watcher = await at.client(user="2")
    events: list[InboxEvent] = []

    async def watch() -> None:
        async for event in watcher.approvals.watch():
            events.append(event)

    async def has(what: str) -> bool:
        return what in map(told, events)

    watching = asyncio.create_task(watch())
    await eventually("the snapshot is there", lambda: has("snapshot"))
    expected = ["snapshot"]
    for _ in range(2):
        one = await at.client(direct=True)
        async for event in one.run(MAIL):
            if event.type == "hitl":
                request_id = event.data["requestId"]
                expected += [f"asked {request_id}", f"decided {request_id}"]
                await eventually("it is told", lambda: has(expected[-2]))
                waiting = (await watcher.approvals.list(status="pending"))["approvals"]
                assert [(item["requestId"], item["canDecide"]) for item in waiting] == [(request_id, True)]
                await watcher.approvals.approve(request_id)
        await eventually("it is told", lambda: has(expected[-1]))
        await at.server.restart()
    watching.cancel()
    assert [told(event) for event in events] == expected
    decided = (await watcher.approvals.list(status="decided", limit=1))["approvals"][0]
    assert decided["decidedByMe"] and decided["status"] == "approved"


async def test_whoever_watches_an_inbox_that_its_server_has_lost_is_told_what_waits_now(scene: Start) -> None:
    at = await scene()
    client = await at.client()

    async def asking() -> str:
        async with client.run(MAIL) as run:
            async for event in run:
                if event.type == "hitl":
                    return f"asked {event.data['requestId']}"
        raise AssertionError("nobody was asked")

    async with client.approvals.watch() as events:
        assert told(await anext(events)) == "snapshot"
        asked = await asking()
        assert told(await anext(events)) == asked
        # Its store is its memory.
        await at.server.restart()
        anew = await anext(events)
        assert anew.type == "snapshot" and anew.data["approvals"] == []
        asked = await asking()
        assert told(await anext(events)) == asked
