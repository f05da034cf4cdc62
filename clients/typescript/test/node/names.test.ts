/** Ids and names that a program has got wrong. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuraClient } from "@dwp/aura-client";
import { answeredBy, stream, trailer } from "../support/answers.js";

test("what is no id is refused before anything is sent, wherever an id is wanted", { timeout: 10_000 }, async () => {
  const { client, requests } = answeredBy(() => stream(trailer(1)));
  const { approvals, sessions } = client;
  const uses: Readonly<Record<string, readonly ((id: string) => Promise<unknown>)[]>> = {
    requestId: [(id) => approvals.get(id), (id) => approvals.approve(id), (id) => approvals.reject(id)],
    sessionId: [(id) => sessions.get(id), (id) => sessions.cancel(id), async (id) => client.join(id).result()],
  };
  const wrong = ["", ".", "..", "../../sessions/a/cancel", "a/b", "a?b", "a%2fb", " ", "가", undefined, null, 7, {}];
  for (const [name, calls] of Object.entries(uses)) {
    for (const call of calls) {
      for (const id of wrong) {
        await assert.rejects(call(id as string), { name: "TypeError", message: new RegExp(`^${name} must be an id`) });
      }
    }
  }
  assert.equal(requests.length, 0);
  await client.join("session_user.name@example.com-1_1795924675_0aa2b7e3").result();
  assert.match(requests[0]?.url ?? "", /\/aura\/sessions\/session_user\.name@example\.com-1_1795924675_0aa2b7e3\/stream$/);
});

test("a tenant that a configuration lacks is told to the programmer", () => {
  for (const tenantId of [undefined, null, "", " ", 7]) {
    const options = { baseUrl: "http://aura.test", token: "t", tenantId: tenantId as string };
    assert.throws(() => new AuraClient(options), { name: "TypeError", message: /^tenantId must be/ });
  }
});

test("an address without its scheme, and a token that is none, are told to the programmer", () => {
  const right = { baseUrl: "http://aura.test", token: "t", tenantId: "1" };
  for (const baseUrl of ["localhost:9000", "127.0.0.1:9000", "aura.test", "/api", "", undefined, "ftp://aura.test"]) {
    const options = { ...right, baseUrl: baseUrl as string };
    assert.throws(() => new AuraClient(options), { name: "TypeError", message: /^baseUrl must begin with http/ });
  }
  for (const token of [undefined, null, 7, {}, Promise.resolve("t")]) {
    const options = { ...right, token: token as string };
    assert.throws(() => new AuraClient(options), { name: "TypeError", message: /^token must be a text or a function/ });
  }
});
