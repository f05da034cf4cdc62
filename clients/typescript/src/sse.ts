/**
 * Reads Server-Sent Events out of bytes, in whatever pieces they come.
 *
 * Bytes are only decoded once a line is whole. A line break is never part of a longer UTF-8 character, so a
 * character that arrives in two pieces needs no care of its own.
 */

/** One event of a stream: what stood between two blank lines. */
export interface SseFrame {
  readonly kind: "frame";
  /** `null` where the event has none. */
  readonly id: string | null;
  /** `null` where the event has none. */
  readonly event: string | null;
  /** The lines of `data`, joined by line feeds. */
  readonly data: string;
}

/** A comment line: the server is there, and has nothing to say. */
export interface SseComment {
  readonly kind: "comment";
}

export type SseItem = SseFrame | SseComment;

/** One event is larger than a reader wants to keep. */
export class SseTooLarge extends Error {
  constructor(limit: number) {
    super(`an event has more than ${limit} bytes`);
    this.name = "SseTooLarge";
  }
}

const LF = 10;
const CR = 13;
const BYTE_ORDER_MARK = "\uFEFF";
const COMMENT: SseComment = { kind: "comment" };

/** An incremental parser of one response body. */
export class SseParser {
  readonly #limit: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The beginning of a line whose end has not come yet. */
  #rest = new Uint8Array(0);
  /** The last byte was a CR: an LF right after it belongs to the same line break. */
  #afterCr = false;
  #isFirstLine = true;
  #event = new EventInProgress();

  /** `limit`: bytes of one event, above which `push` throws `SseTooLarge`. */
  constructor(limit = 1024 * 1024) {
    this.#limit = limit;
  }

  /** What is complete with these bytes, in order. */
  *push(bytes: Uint8Array): Generator<SseItem, void, undefined> {
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LF && this.#afterCr) {
        this.#afterCr = false;
        start = at + 1;
      } else if (byte === LF || byte === CR) {
        this.#afterCr = byte === CR;
        const item = this.#line(this.#join(bytes.subarray(start, at)));
        start = at + 1;
        if (item !== null) yield item;
      } else {
        this.#afterCr = false;
      }
    }
    this.#rest = this.#join(bytes.subarray(start)).slice();
    this.#check();
  }

  /** The line that ends with this piece. */
  #join(piece: Uint8Array): Uint8Array {
    if (this.#rest.length === 0) return piece;
    const whole = new Uint8Array(this.#rest.length + piece.length);
    whole.set(this.#rest);
    whole.set(piece, this.#rest.length);
    this.#rest = new Uint8Array(0);
    return whole;
  }

  #line(bytes: Uint8Array): SseItem | null {
    let line = this.#decoder.decode(bytes);
    if (this.#isFirstLine && line.startsWith(BYTE_ORDER_MARK)) line = line.slice(1);
    this.#isFirstLine = false;
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return COMMENT;
    this.#event.field(line, bytes.length);
    this.#check();
    return null;
  }

  #dispatch(): SseFrame | null {
    const frame = this.#event.frame();
    this.#event = new EventInProgress();
    return frame;
  }

  #check(): void {
    if (this.#rest.length + this.#event.bytes > this.#limit) throw new SseTooLarge(this.#limit);
  }
}

/** The fields since the last blank line. */
class EventInProgress {
  bytes = 0;
  #id: string | null = null;
  #event: string | null = null;
  readonly #data: string[] = [];

  field(line: string, bytes: number): void {
    this.bytes += bytes;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? "" : line.slice(colon + 1);
    const value = rest.startsWith(" ") ? rest.slice(1) : rest;
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }

  /** As the standard says: without `data` there is no event. */
  frame(): SseFrame | null {
    if (this.#data.length === 0) return null;
    return { kind: "frame", id: this.#id, event: this.#event, data: this.#data.join("\n") };
  }
}
