/** What most tests begin with. */

import { startModel } from "./model.mjs";
import { Redis } from "./redis.mjs";
import { Server } from "./server.mjs";

export const MERGE = "feature 브랜치를 main에 병합해주세요";
export const MAIL = "kim@example.com 에게 메일을 보내주세요. 제목: 보고";
export const HELLO = "안녕하세요";

/** A server that is gone when the test is. */
export async function serverFor(t, env = {}) {
  const server = await Server.start(env);
  t.after(() => server.close());
  return server;
}

export async function redisFor(t) {
  const redis = await Redis.start();
  t.after(() => redis.close());
  return redis;
}

/** One that keeps what it has in Redis, and takes up at once what another one has left. */
export function replicaFor(t, redis, env = {}) {
  return serverFor(t, { REDIS_URL: redis.url, AURA__AGENT__LEASE_SECONDS: "1", ...env });
}

export async function modelFor(t, answer) {
  const model = await startModel(answer);
  t.after(() => model.close());
  return model;
}

/** A model that says so many words, slowly enough to be interrupted. */
export function slowly(words, pauseMs = 10) {
  return () => ({ words: Array.from({ length: words }, (_, at) => `낱말${at} `), pauseMs });
}
