/** A TCP proxy that cuts streams where a test wants it. */

import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Where a stream is cut. */
export interface Cut {
  /** Whole frames that get through first; -1: not even the head of the answer. */
  readonly afterFrames: number;
  /** What gets through of the frame after these: nothing, half of it, or all before the middle of a character. */
  readonly within?: "nothing" | "half" | "character";
  /** How the connection ends: `reset` may take away what the client has not read yet. Default `fin`. */
  readonly how?: "fin" | "reset";
}

/** `null`: a stream that is let through. `stream` counts from 0. */
export type CutPlan = (stream: number) => Cut | null;

export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Answers>();
  #streams = 0;
  #cuts = 0;
  plan: CutPlan = () => null;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `target`: the port to go to, asked for with each connection. */
  static start(target: () => number): Promise<Proxy> {
    const server = createServer({ allowHalfOpen: false });
    const proxy = new Proxy(server);
    server.on("connection", (client) => proxy.#connected(client, target()));
    return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(proxy)));
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Streams that have come by so far. */
  get streams(): number {
    return this.#streams;
  }

  /** Those of them that were cut. */
  get cuts(): number {
    return this.#cuts;
  }

  /** Streams that clients are reading now. */
  get openStreams(): number {
    return [...this.#connections].filter((answers) => answers.isStreaming).length;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #connected(client: Socket, port: number): void {
    const server = connect(port, "127.0.0.1");
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.#sockets.delete(socket));
    }
    client.pipe(server);
    const answers = new Answers(
      () => this.plan(this.#streams++),
      (bytes) => client.write(bytes),
      (how) => {
        this.#cuts += 1;
        server.destroy();
        if (how === "reset") client.resetAndDestroy();
        else client.end();
      },
    );
    this.#connections.add(answers);
    client.on("close", () => {
      this.#connections.delete(answers);
      server.destroy();
    });
    server.on("data", (bytes) => answers.push(bytes));
    server.on("close", () => client.end());
  }
}

/** What of one connection's answers has gone by. */
class Answers {
  readonly #plan: () => Cut | null;
  readonly #write: (bytes: Buffer) => void;
  readonly #cut: (how: "fin" | "reset") => void;
  #held = Buffer.alloc(0);
  /** Bytes to come of a body whose length is known. */
  #ofBody = 0;
  #stream: { readonly cut: Cut | null; frames: number } | null = null;
  #isOver = false;

  constructor(plan: () => Cut | null, write: (bytes: Buffer) => void, cut: (how: "fin" | "reset") => void) {
    this.#plan = plan;
    this.#write = write;
    this.#cut = cut;
  }

  get isStreaming(): boolean {
    return this.#stream !== null;
  }

  push(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    while (!this.#isOver && this.#step());
  }

  /** Whether there may be more to do with what is held. */
  #step(): boolean {
    if (this.#held.length === 0) return false;
    if (this.#ofBody > 0) {
      this.#ofBody -= this.#pass(Math.min(this.#ofBody, this.#held.length));
      return true;
    }
    return this.#stream === null ? this.#head() : this.#frame(this.#stream);
  }

  #head(): boolean {
    const end = this.#held.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const head = this.#held.subarray(0, end).toString().toLowerCase();
    const length = /content-length: ([0-9]+)/.exec(head)?.[1];
    const isStream = head.includes("text/event-stream") && length === undefined;
    const cut = isStream ? this.#plan() : null;
    if (cut !== null && cut.afterFrames < 0) {
      this.#end(cut);
      return false;
    }
    this.#pass(end + 4);
    this.#ofBody = Number(length ?? 0);
    if (isStream) {
      this.#stream = { cut, frames: 0 };
      this.#cutIfDue(this.#stream);
    }
    return true;
  }

  #frame(stream: { readonly cut: Cut | null; frames: number }): boolean {
    const blank = this.#held.indexOf("\n\n");
    const last = this.#held.indexOf("\r\n0\r\n\r\n");
    if (blank < 0 && last >= 0) {
      this.#pass(last + 7);
      this.#stream = null;
      return true;
    }
    if (blank < 0) return false;
    if (stream.cut !== null && stream.frames === stream.cut.afterFrames) {
      this.#pass(placeWithin(this.#held.subarray(0, blank), stream.cut));
      this.#end(stream.cut);
      return false;
    }
    this.#pass(blank + 2);
    stream.frames += 1;
    this.#cutIfDue(stream);
    return true;
  }

  /** Where nothing of a further frame is to get through, there is nothing to wait for. */
  #cutIfDue({ cut, frames }: { readonly cut: Cut | null; frames: number }): void {
    if (cut !== null && (cut.within ?? "nothing") === "nothing" && frames === cut.afterFrames) this.#end(cut);
  }

  #end(cut: Cut): void {
    this.#isOver = true;
    this.#cut(cut.how ?? "fin");
  }

  #pass(length: number): number {
    this.#write(this.#held.subarray(0, length));
    this.#held = this.#held.subarray(length);
    return length;
  }
}

/** How much of a frame gets through. */
function placeWithin(frame: Buffer, cut: Cut): number {
  const half = Math.floor(frame.length / 2);
  if (cut.within !== "character") return half;
  // A byte that goes on with a character that began before it.
  const inside = frame.findIndex((byte) => (byte & 0b1100_0000) === 0b1000_0000);
  return inside < 0 ? half : inside;
}
