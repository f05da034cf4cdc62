import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuraEvent, Reconnect } from "@dwp/aura-client";
import { bytesOf, journalOf } from "../support/journal.js";
import type { Cut } from "../support/proxy.js";
import { approvingAll, clientOf, MAIL, proxyFor, serverFor } from "../support/scene.js";

const PLACES: readonly NonNullable<Cut["within"]>[] = ["nothing", "half", "character"];

for (const within of PLACES) {
  test(
    `a run with an approval, cut after every event (of the next one gets through: ${within}), has every event once`,
    { timeout: 60_000 },
    async (t) => {
      // A keep-alive would be the frame that gets through, and brings nobody further.
      const server = await serverFor(t, { AURA__STREAM__KEEP_ALIVE_SECONDS: 15 });
      const proxy = await proxyFor(t, server);
      proxy.plan = () => ({ afterFrames: 1, within });
      const client = clientOf(proxy.base);
      const reconnects: Reconnect[] = [];
      const run = client.run(MAIL, { onReconnect: (reconnect) => reconnects.push(reconnect) });
      const events = await approvingAll(client, run);

      assert.equal(bytesOf(events), await journalOf(server, await run.sessionId));
      assert.ok(proxy.cuts >= events.length, `${proxy.cuts} cuts for ${events.length} events`);
      assert.equal(reconnects.length, proxy.streams - 1);
      assert.ok(
        reconnects.every((reconnect) => reconnect.attempt === 1),
        "each connection brought one further",
      );
      const { status, answer } = await run.result();
      assert.equal(status, "completed");
      assert.match(answer, /kim@example\.com/);
    },
  );
}

test(
  "a stream that is joined and cut at every event, early and late, is the journal from there",
  { timeout: 60_000 },
  async (t) => {
    const server = await serverFor(t);
    const proxy = await proxyFor(t, server);
    const client = clientOf(proxy.base);
    const run = client.run("안녕하세요 words=5");
    const whole = await approvingAll(client, run);
    const sessionId = await run.sessionId;
    for (const [at, after] of whole.entries()) {
      proxy.plan = (stream) => (stream % 2 === 0 ? { afterFrames: 0, within: "half" } : { afterFrames: 2, how: "fin" });
      const rest: AuraEvent[] = [];
      for await (const event of client.join(sessionId, { lastEventId: after.id })) rest.push(event);
      assert.equal(bytesOf(rest), bytesOf(whole.slice(at + 1)), `after event ${at}`);
    }
  },
);
