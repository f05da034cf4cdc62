/** What most tests begin with: a server, perhaps with Redis and a proxy before it, and clients of it. */

import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AuraClient,
  type AuraClientOptions,
  type AuraEvent,
  type RetryOptions,
  type TokenRequest,
} from "@dwp/aura-client";
import { Model, type Turn } from "./model.js";
import { Proxy } from "./proxy.js";
import { Redis } from "./redis.js";
import { Server, TENANT, token, type ServerEnv } from "./server.js";

/** Quick, since the servers of the tests are back at once. */
export const RETRY: RetryOptions = { initialDelayMs: 5, maxDelayMs: 200, maxAttempts: 200, maxRequestAttempts: 200 };

/** Asks for a mail, which a person has to approve. */
export const MAIL = "kim@example.com 에게 메일을 보내주세요. 제목: 보고";

export function clientOf(base: string, options: Partial<AuraClientOptions> = {}): AuraClient {
  return new AuraClient({ baseUrl: base, token: () => token(), tenantId: TENANT, retry: RETRY, ...options });
}

/** Settings of a server that breaks off the streams of tokens that expire, at once. */
export const STRICT: ServerEnv = { AURA__AUTH__LEEWAY_SECONDS: 0, AURA__AUTH__CLOSE_STREAMS_AT_EXPIRY: true };

/**
 * Keeps its token until it is asked for another, as a page would. Each is good for three seconds and more, which is
 * time for a request also where others keep the machine busy.
 */
export class BriefTokens {
  readonly #seconds = 3;
  #token = token({ seconds: this.#seconds });
  #since = Date.now();
  renewals = 0;

  readonly source = ({ renew }: TokenRequest): string => {
    if (renew) {
      this.renewals += 1;
      this.#since = Date.now();
      this.#token = token({ seconds: this.#seconds });
    }
    return this.#token;
  };

  /** Waits until the last one has expired. */
  expired(): Promise<void> {
    return sleep(this.#since + (this.#seconds + 1.1) * 1000 - Date.now());
  }
}

/** A server that is gone when the test is. */
export async function serverFor(t: TestContext, env: ServerEnv = {}): Promise<Server> {
  const server = await Server.start({ AURA__STREAM__KEEP_ALIVE_SECONDS: 1, ...env });
  t.after(() => server.close());
  return server;
}

/** One that keeps what it has in Redis, and takes up at once what another one has left. */
export async function durableServerFor(t: TestContext, env: ServerEnv = {}): Promise<{ server: Server; redis: Redis }> {
  const redis = await Redis.start();
  t.after(() => redis.close());
  const server = await serverFor(t, { REDIS_URL: redis.url, AURA__AGENT__LEASE_SECONDS: 1, ...env });
  return { server, redis };
}

export async function proxyFor(t: TestContext, server: Server): Promise<Proxy> {
  const proxy = await Proxy.start(() => server.port);
  t.after(() => proxy.close());
  return proxy;
}

export async function modelFor(t: TestContext, answer: Parameters<typeof Model.start>[0]): Promise<Model> {
  const model = await Model.start(answer);
  t.after(() => model.close());
  return model;
}

/** A model that says so many words, slowly enough to be interrupted. */
export function slowly(words: number, pauseMs = 10): () => Turn {
  return () => ({ words: Array.from({ length: words }, (_, at) => `낱말${at} `), pauseMs });
}

/** All events of a run; whatever is asked is approved. */
export async function approvingAll(client: AuraClient, run: AsyncIterable<AuraEvent>): Promise<AuraEvent[]> {
  const events: AuraEvent[] = [];
  for await (const event of run) {
    events.push(event);
    if (event.type === "hitl") await client.approvals.approve(event.data.requestId);
  }
  return events;
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
}
