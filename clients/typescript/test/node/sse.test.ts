import assert from "node:assert/strict";
import { test } from "node:test";
import { SseParser, SseTooLarge, type SseItem } from "#dist/sse";

const STREAM =
  ': keep-alive id:\n\nid: 1\nevent: thought\ndata: {"content":"요청을 분석합니다 🙂"}\n\nid: 2\ndata: [DONE]\n\n';
const EVENTS: SseItem[] = [
  { kind: "comment" },
  { kind: "frame", id: "1", event: "thought", data: '{"content":"요청을 분석합니다 🙂"}' },
  { kind: "frame", id: "2", event: null, data: "[DONE]" },
];

function parsed(...pieces: readonly Uint8Array[]): SseItem[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => [...parser.push(piece)]);
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a stream that is split anywhere, also within characters, has the same events", () => {
  const whole = bytes(STREAM);
  for (let at = 0; at <= whole.length; at++) {
    assert.deepEqual(parsed(whole.subarray(0, at), whole.subarray(at)), EVENTS, `split at ${at}`);
  }
  assert.deepEqual(parsed(...Array.from(whole, (byte) => Uint8Array.of(byte))), EVENTS);
});

test("lines may end with CRLF or CR, also where the two come apart", () => {
  for (const end of ["\r\n", "\r"]) {
    const whole = bytes(STREAM.replaceAll("\n", end));
    for (let at = 0; at <= whole.length; at++) {
      assert.deepEqual(parsed(whole.subarray(0, at), whole.subarray(at)), EVENTS, `split at ${at}`);
    }
  }
});

test("an event whose blank line has not come is none", () => {
  assert.deepEqual(parsed(bytes("id: 1\ndata: a\n")), []);
  assert.deepEqual(parsed(bytes("id: 1\n\nevent: x\n\n")), [], "nor one without data");
});

test("fields are read as the standard says", () => {
  const frame = (text: string): SseItem | undefined => parsed(bytes(`${text}\n\n`))[0];
  assert.deepEqual(frame("data:a\ndata:  b\ndata"), { kind: "frame", id: null, event: null, data: "a\n b\n" });
  assert.deepEqual(frame("\uFEFFdata: a"), { kind: "frame", id: null, event: null, data: "a" });
  assert.deepEqual(frame("retry: 5\nfoo: bar\nid: a\0b\ndata: \uFEFFa"), {
    kind: "frame",
    id: null,
    event: null,
    data: "\uFEFFa",
  });
});

test("an event that does not end is given up at the limit", () => {
  const endless = new SseParser(100);
  assert.throws(() => [...endless.push(bytes(`data: ${"x".repeat(101)}`))], SseTooLarge);
  const lines = new SseParser(100);
  assert.throws(() => [...lines.push(bytes("data: 12345\n".repeat(10)))], SseTooLarge);
  const many = new SseParser(100);
  assert.equal([...many.push(bytes("data: 12345\n\n".repeat(100)))].length, 100);
});
