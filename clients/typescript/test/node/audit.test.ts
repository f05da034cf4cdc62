import assert from "node:assert/strict";
import { test } from "node:test";
import { AuraError } from "@dwp/aura-client";
import { approvingAll, clientOf, MAIL, serverFor } from "../support/scene.js";
import { token } from "../support/server.js";

test("whoever may read the audit stream pages through all of it, and nobody else does", { timeout: 60_000 }, async (t) => {
  const server = await serverFor(t, { AURA__AUTH__ROLES__AUDITOR: "1/1" });
  const [auditor, other] = [clientOf(server.base), clientOf(server.base, { token: token({ user: "2" }) })];
  await approvingAll(other, other.run(MAIL));
  const numbers: number[] = [];
  let after: number | undefined;
  do {
    const page = await auditor.audit.list({ limit: 2, ...(after === undefined ? {} : { after }) });
    numbers.push(...page.entries.map(({ number }) => number));
    after = page.next ?? undefined;
  } while (after !== undefined);
  assert.deepEqual(numbers, [1, 2, 3, 4], "asked, decided, started, finished");
  await assert.rejects(other.audit.list(), (error) => error instanceof AuraError && error.code === "E2001");
});
