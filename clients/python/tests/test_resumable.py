"""How a stream goes on, against a server that answers what each test wants."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timezone

import pytest

from aura_client import AuraClient, AuraError, AuraRun, Decided, Reconnect, Retry, TokenSource, UnknownEvent
from aura_client.retry import Backoff
from aura_client.transport import retry_after

RETRY = Retry(initial_delay=0.001, max_delay=0.002, max_attempts=4, max_request_attempts=3)
STREAM = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Session-ID: session_1\r\nConnection: close\r\n\r\n"


def stream(*frames: str) -> str:
    return STREAM + "".join(frames)


def event(number: int, name: str = "content") -> str:
    return f'id: {number}\nevent: {name}\ndata: {{"content":"a","chunk":true,"metadata":{{}}}}\n\n'


def trailer(number: int) -> str:
    return f"id: {number}\ndata: [DONE]\n\n"


def refused(status: int, body: str = '{"status":"ERROR","message":"m","errorCode":"E4290","detail":"d"}') -> str:
    length = len(body.encode())
    return f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"


@asynccontextmanager
async def serving(
    answer: Callable[[int], str],
    *,
    idle_timeout: float = 30.0,
    hangs: bool = False,
    retry: Retry = RETRY,
    token: TokenSource = "t",
) -> AsyncIterator[tuple[AuraClient, list[str]]]:
    """A client of a server that gives these answers in turn, and the heads of what it was asked. `hangs`: it leaves
    the connection open after an answer."""
    heads: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(answer(len(heads) - 1).encode())
        if hangs:
            await reader.read()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
    async with AuraClient(base, token=token, tenant_id="1", retry=retry, idle_timeout=idle_timeout) as client:
        yield client, heads
    server.close()


async def ids_of(run: AuraRun) -> list[int]:
    return [event.id async for event in run]


async def test_a_stream_that_ends_without_its_trailer_is_a_lost_connection() -> None:
    answers = [stream(event(1), event(2)), stream(event(3)), stream(trailer(4))]
    async with serving(lambda at: answers[at]) as (client, heads):
        assert await ids_of(client.run("a")) == [1, 2, 3]
    assert ["last-event-id: 2" in head for head in heads] == [False, True, False]
    assert ["x-session-id: session_1" in head for head in heads] == [False, True, True]
    assert all(head.startswith("post /api/aura/test/stream ") for head in heads)
    keys = {line for head in heads for line in head.split("\r\n") if line.startswith("idempotency-key: ")}
    assert len(keys) == 1, "one key for all of them"


async def test_what_something_repeats_or_has_no_id_is_not_handed_out() -> None:
    answers = [
        stream(event(9), event(9), event(8), "event: note\ndata: {}\n\n"),
        stream(event(9), event(10), event(2**64), event(2**64 - 1)),
        stream(trailer(2**64 + 1)),
    ]
    async with serving(lambda at: answers[at]) as (client, _):
        assert await ids_of(client.join("session_1")) == [9, 10, 2**64]


async def test_events_of_kinds_that_are_not_known_yet_are_passed_on() -> None:
    async with serving(lambda _: stream('id: 1\nevent: hologram\ndata: {"a":1}\n\n', trailer(2))) as (client, _):
        assert [event async for event in client.join("session_1")] == [UnknownEvent(1, "hologram", {"a": 1}, '{"a":1}')]


async def test_a_connection_on_which_nothing_comes_is_given_up() -> None:
    reconnects: list[Reconnect] = []
    answers = [stream(event(1)), stream(trailer(2))]
    async with serving(lambda at: answers[at], idle_timeout=0.2, hangs=True) as (client, _):
        assert await ids_of(client.run("a", on_reconnect=reconnects.append)) == [1]
    assert [reconnect.reason.code for reconnect in reconnects] == ["connection"]


async def test_a_stream_is_given_up_after_as_many_attempts_in_a_row_as_may_fail() -> None:
    async with serving(lambda at: stream(event(1)) if at == 3 else "") as (client, heads):
        with pytest.raises(AuraError) as error:
            await ids_of(client.run("a"))
    assert (error.value.code, error.value.status, error.value.retryable) == ("connection", 0, True)
    assert len(heads) == 4 + 3, "counted anew after each event; its own connection was the first to fail"


async def test_what_has_failed_fails_again_and_never_looks_like_an_end() -> None:
    async with serving(lambda at: stream(event(1), "id: 2\nevent: content\ndata: {\n\n", event(3))) as (client, _):
        run = client.run("a")
        assert (await anext(run)).id == 1
        for more in (anext(run), anext(run), run.result()):
            with pytest.raises(AuraError) as error:
                await more
            assert error.value.code == "protocol"


async def test_a_trailer_ends_the_stream_also_where_the_reader_asks_past_its_end() -> None:
    async with serving(lambda _: stream(trailer(5))) as (client, heads):
        assert await ids_of(client.join("session_1", last_event_id=99)) == []
    assert len(heads) == 1


PATIENT = Retry(initial_delay=0.001, max_delay=30.0, max_attempts=4)


@pytest.mark.parametrize("nothing", [": keep-alive id:\n\n", event(7), event(6)])
async def test_a_server_that_brings_nothing_new_before_it_breaks_off_is_given_up(nothing: str) -> None:
    async with serving(lambda _: stream(nothing), retry=PATIENT) as (client, heads):
        with pytest.raises(AuraError) as error:
            await ids_of(client.join("session_1", last_event_id=7))
    assert (error.value.code, len(heads)) == ("connection", PATIENT.max_attempts)


async def test_connections_that_last_are_no_failures_though_nothing_but_keep_alives_comes() -> None:
    # Whatever the answer takes, it takes longer than no time at all.
    lasting = Retry(initial_delay=0.0, max_delay=0.0, max_attempts=4)
    answers = [stream(": keep-alive id:\n\n")] * 10 + [stream(event(1), trailer(2))]
    async with serving(lambda at: answers[at], retry=lasting) as (client, heads):
        assert await ids_of(client.run("a")) == [1]
    assert len(heads) == 11


def snapshot(number: int) -> str:
    return f'id: {number}\nevent: snapshot\ndata: {{"approvals":[]}}\n\n'


async def test_an_inbox_that_was_lost_begins_anew_with_a_snapshot_whatever_its_id() -> None:
    answers = [
        stream(snapshot(7), event(9, "asked")),
        stream(snapshot(0)),
        stream(event(1, "asked")),
        stream(snapshot(1)),
        stream(event(2, "asked")),
    ]
    async with serving(lambda at: answers[at]) as (client, heads):
        async with client.approvals.watch() as events:
            seen = [await anext(events) for _ in range(6)]
    told = [(event.type, event.id) for event in seen]
    assert told == [("snapshot", 7), ("asked", 9), ("snapshot", 0), ("asked", 1), ("snapshot", 1), ("asked", 2)]
    resumed = [line for head in heads for line in head.split("\r\n") if line.startswith("last-event-id")]
    assert resumed == [f"last-event-id: {after}" for after in (9, 0, 1, 1)]


async def test_an_inbox_that_begins_anew_on_every_connection_brings_nothing_new() -> None:
    async with serving(lambda _: stream(snapshot(0)), retry=PATIENT) as (client, heads):
        with pytest.raises(AuraError) as error:
            async for _ in client.approvals.watch():
                pass
    assert (error.value.code, len(heads)) == ("connection", PATIENT.max_attempts)


async def test_a_wait_that_is_cancelled_costs_nothing_and_the_next_one_goes_on() -> None:
    answers = [stream(snapshot(1)), stream(), stream(event(2, "asked"))]
    async with serving(lambda at: answers[at], hangs=True) as (client, heads):
        async with client.approvals.watch() as events:
            assert (await anext(events)).id == 1
            for _ in range(2):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(anext(events), 0.2)
            assert (await anext(events)).id == 2
        with pytest.raises(AuraError, match="left"):
            await anext(events)
    assert ["last-event-id: 1" in head for head in heads] == [False, True, True]


async def test_a_refusal_whose_text_does_not_come_is_a_lost_connection() -> None:
    def conflict(_: int) -> str:
        return "HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"

    async with serving(conflict, idle_timeout=0.1, hangs=True) as (client, heads):
        with pytest.raises(AuraError) as error:
            await client.run("a").result()
    assert (error.value.code, len(heads)) == ("connection", RETRY.max_attempts)


async def test_an_idle_time_without_an_end_is_none() -> None:
    async with serving(lambda _: stream(event(1), trailer(2)), idle_timeout=math.inf) as (client, heads):
        assert await ids_of(client.run("a")) == [1]
    assert len(heads) == 1


def test_patience_may_be_as_long_as_one_likes() -> None:
    backoff = Backoff(Retry(max_delay=10.0), 5000)
    delays = [backoff.fail(None) for _ in range(4999)]
    assert all(delay is not None and delay <= 10.0 for delay in delays)
    assert backoff.fail(None) is None


async def test_requests_that_are_no_streams_are_repeated_as_often_as_they_may() -> None:
    async with serving(lambda _: refused(503)) as (client, heads):
        with pytest.raises(AuraError) as error:
            await client.sessions.list(limit=5, before="session_1")
    assert (error.value.status, error.value.code, error.value.detail) == (503, "E4290", "d")
    assert len(heads) == RETRY.max_request_attempts
    assert heads[0].startswith("get /api/aura/sessions?limit=5&before=session_1 ")


async def test_a_server_that_asks_for_more_patience_than_there_is_has_refused() -> None:
    async with serving(lambda _: refused(503).replace("\r\n", "\r\nRetry-After: 3600\r\n", 1)) as (client, heads):
        for work in (client.run("a").result(), client.sessions.list()):
            with pytest.raises(AuraError) as error:
                await work
            assert (error.value.status, error.value.retry_after) == (503, 3600)
    assert len(heads) == 2


async def test_an_answer_that_is_none_of_aura_platforms_is_said_to_be_so() -> None:
    page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<form>"
    async with serving(lambda _: page) as (client, heads):
        for work in (client.run("a").result(), client.sessions.list()):
            with pytest.raises(AuraError) as error:
                await work
            assert error.value.code == "protocol"
    assert len(heads) == 2, "and is not asked for again"


def test_retry_after_is_seconds_or_a_date() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
    assert retry_after("5", now) == 5
    assert retry_after("Sat, 28 Nov 2026 12:00:07 GMT", now) == 7
    assert retry_after("Sat, 28 Nov 2026 11:00:00 GMT", now) == 0
    assert retry_after("soon", now) is None
    assert retry_after(None, now) is None


END = 'id: 3\nevent: end\ndata: {"status":"completed","usage":null}\n\n'


async def test_a_result_is_of_the_whole_run_also_where_its_stream_is_read_from_the_middle() -> None:
    rest = [stream(event(2), END, trailer(4)), "HTTP/1.1 204 No\r\nX-Session-ID: session_1\r\n\r\n"]
    for answer in rest:
        answers = [answer, stream(event(1), event(2), END, trailer(4))]
        async with serving(lambda at: answers[at]) as (client, heads):
            run = client.join("session_1", last_event_id=1)
            result = await run.result()
            assert (result.session_id, result.status, result.answer) == ("session_1", "completed", "aa")
            assert await run.result() == result
        assert ["last-event-id: " in head for head in heads] == [True, False], "it is read once"


async def test_a_start_takes_no_last_event_unless_it_is_said_which_run_has_it() -> None:
    async with serving(lambda _: stream(trailer(8))) as (client, heads):
        with pytest.raises(TypeError, match="last_event_id .*join"):
            client.run("a", last_event_id=7)  # type: ignore[call-overload]
        assert heads == []
        assert await ids_of(client.run("a", last_event_id=7, idempotency_key="k")) == []
    assert "last-event-id: 7\r\n" in heads[0] and "idempotency-key: k\r\n" in heads[0]


async def test_what_is_no_id_is_refused_before_anything_is_sent() -> None:
    async with serving(lambda _: "") as (client, heads):
        uses: list[Callable[[str], Awaitable[object]]] = [
            client.approvals.get,
            client.approvals.approve,
            client.approvals.reject,
            client.sessions.get,
            client.sessions.cancel,
            lambda given: client.join(given).result(),
        ]
        for use in uses:
            for wrong in ("", ".", "..", "../../sessions/a/cancel", "a?b", "a%2fb", " ", "가", "a\n"):
                with pytest.raises(ValueError, match="_id must be an id"):
                    await use(wrong)
            for none in (None, 7):
                with pytest.raises(TypeError, match="_id must be a str"):
                    await use(none)  # type: ignore[arg-type]
    assert heads == []


async def test_a_decision_goes_where_its_changed_arguments_are_known() -> None:
    data = '{"requestId":"req_1","sessionId":"session_1","status":"approved"}'
    body = f'{{"status":"SUCCESS","data":{data}}}'
    async with serving(lambda _: refused(200, body)) as (client, heads):
        for decide in (client.approvals.approve, client.approvals.reject):
            assert isinstance(await decide("req_1"), Decided)
    paths = [head.split(" ")[1] for head in heads]
    assert paths == ["/api/aura/approvals/req_1/approve", "/api/aura/approvals/req_1/reject"]


LISTED = '{"status":"SUCCESS","data":{"sessions":[],"total":0}}'
GARBLED = "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
HUGE = f"id: {'9' * 5000}\nevent: content\ndata: {{}}\n\n"
DEEP = f"id: 1\nevent: content\ndata: {'[' * 100_000}\n\n"
NO_STATUS = '{"status":"SUCCESS","data":{"requestId":"req_1","sessionId":"session_1"}}'


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{GARBLED}", "connection"),
        (f"{STREAM[:-2]}{GARBLED}", "connection"),
        (stream(HUGE), "connection"),
        (stream(DEEP), "protocol"),
        (refused(200, NO_STATUS), "protocol"),
    ],
)
async def test_whatever_a_server_answers_is_an_error_of_one_type(answer: str, code: str) -> None:
    async with serving(lambda _: answer) as (client, _):
        work = client.run("a").result() if "event-stream" in answer else client.approvals.approve("req_1")
        with pytest.raises(AuraError) as error:
            await work
    assert error.value.code == code


async def test_what_cannot_be_sent_is_told_to_the_programmer() -> None:
    for base in ("127.0.0.1:9000", "localhost:9000", "localhost", ""):
        with pytest.raises(ValueError, match="base_url must begin with"):
            AuraClient(base, token="t", tenant_id="1")
    with pytest.raises(ValueError, match="X-Agent-ID has characters"):
        AuraClient("http://aura.test", token="t", tenant_id="1", agent_id="a\nb")
    with pytest.raises(TypeError, match="token must be a str or a function, not NoneType"):
        AuraClient("http://aura.test", token=None, tenant_id="1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="base_url must be a URL"):
        AuraClient("http://aura.test:port", token="t", tenant_id="1")
    with pytest.raises(ValueError, match="^token has characters that no header can have$"):
        AuraClient("http://aura.test", token="secret\nb", tenant_id="1")
    async with serving(lambda _: "") as (client, heads), AuraClient(
        "http://aura.test", token=lambda _: "secret\nb", tenant_id="1"
    ) as other:
        for work in (other.sessions.list(), client.run("a", idempotency_key="a\nb").result()):
            with pytest.raises(ValueError, match="has characters"):
                await work
    assert heads == []


async def test_the_line_end_of_the_file_that_a_token_was_read_from_is_no_part_of_it() -> None:
    sources: list[TokenSource] = ["secret\n", " secret\r\n", lambda _: "secret\n"]
    for token in sources:
        async with serving(lambda _: refused(200, LISTED), token=token) as (client, heads):
            await client.sessions.list()
        assert "authorization: bearer secret\r\n" in heads[0]


async def test_an_answer_that_only_trickles_and_a_token_that_does_not_come_take_no_longer_than_they_may() -> None:
    attempts = 0

    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            writer.close()

    async def never(_: bool) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with AuraClient(base, token="t", tenant_id="1", retry=RETRY, idle_timeout=0.2) as client:
        with pytest.raises(AuraError, match="no answer in time"):
            await client.approvals.approve("req_1")
    assert attempts == RETRY.max_request_attempts
    async with AuraClient(base, token=never, tenant_id="1", retry=RETRY, idle_timeout=0.05) as client:
        for work in (client.sessions.list(), client.run("a").result()):
            with pytest.raises(AuraError, match="no answer in time"):
                await work
        # Whoever waits no longer is told so, and not that there was no answer.
        waiting = asyncio.create_task(client.sessions.list())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert attempts == RETRY.max_request_attempts
    server.close()
