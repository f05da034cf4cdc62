import pytest

from aura_client.sse import Comment, Frame, SseParser, TooLarge

STREAM = (
    ': keep-alive id:\n\nid: 1\nevent: thought\ndata: {"content":"요청을 분석합니다 🙂"}\n\nid: 2\ndata: [DONE]\n\n'
)
EVENTS = [Comment(), Frame("1", "thought", '{"content":"요청을 분석합니다 🙂"}'), Frame("2", None, "[DONE]")]


def parsed(*pieces: bytes) -> list[Frame | Comment]:
    parser = SseParser()
    return [item for piece in pieces for item in parser.push(piece)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stream_that_is_split_anywhere_also_within_characters_has_the_same_events(end: str) -> None:
    whole = STREAM.replace("\n", end).encode()
    for at in range(len(whole) + 1):
        assert parsed(whole[:at], whole[at:]) == EVENTS, f"split at {at}"
    assert parsed(*(bytes([byte]) for byte in whole)) == EVENTS


def test_an_event_whose_blank_line_has_not_come_is_none() -> None:
    assert parsed(b"id: 1\ndata: a\n") == []
    assert parsed(b"id: 1\n\nevent: x\n\n") == [], "nor one without data"


def test_fields_are_read_as_the_standard_says() -> None:
    assert parsed("\ufeffdata:a\ndata:  b\ndata\nid: a\0b\nretry: 5\n\n".encode()) == [Frame(None, None, "a\n b\n")]
    assert parsed("x\n\ndata: \ufeffa\u2028b\n\n".encode()) == [Frame(None, None, "\ufeffa\u2028b")]


def test_an_event_that_does_not_end_is_given_up_at_the_limit() -> None:
    with pytest.raises(TooLarge):
        list(SseParser(100).push(b"data: " + b"x" * 101))
    with pytest.raises(TooLarge):
        list(SseParser(100).push(b"data: 12345\n" * 10))
    assert len(list(SseParser(100).push(b"data: 12345\n\n" * 100))) == 100
