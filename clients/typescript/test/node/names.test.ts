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
