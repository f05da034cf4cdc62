/** The server, as this page calls it. */

import { AuraClient } from "./aura-client.js";

/** Where the server is: the page may lie below a path. */
export const BASE = new URL("..", import.meta.url).href.replace(/\/$/, "");

/** A page waits for its server for as long as it is open. */
const RETRY = { maxAttempts: Number.MAX_SAFE_INTEGER };

/** What the page has to know before anybody has signed in. */
export async function pageConfig() {
  const response = await fetch(new URL("config.json", import.meta.url));
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  return response.json();
}

/** The client of one user. `onAnswer` is called with each answer of the server. */
export function makeClient(session, user, onAnswer) {
  return new AuraClient({
    baseUrl: BASE,
    token: () => session.source(),
    tenantId: user.tenant,
    userId: user.id,
    retry: RETRY,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (response.status === 401) session.refuse(tokenOf(init));
      onAnswer(response);
      return response;
    },
  });
}

function tokenOf(init) {
  return new Headers(init.headers).get("Authorization")?.replace(/^Bearer /, "") ?? "";
}

/** One request with a token, whatever comes of it. */
export function ask(path, token, user, init = {}) {
  const headers = { Accept: "application/json", Authorization: `Bearer ${token}`, "X-Tenant-ID": user.tenant };
  return fetch(BASE + path, { ...init, headers, cache: "no-store" });
}

const DENIED = new Set([400, 401, 403, 404]);

/** Why a token is refused, or `null` if it is not; and what it may see. */
export async function probe(token, user) {
  const [audit, runs] = await Promise.all(["/aura/audit?limit=1", "/aura/admin/runs?limit=1"].map((path) => ask(path, token, user)));
  const refusal = audit.status === 401 || audit.status === 400 ? await audit.json().catch(() => ({})) : null;
  const why = refusal === null ? null : (refusal.detail ?? refusal.message ?? String(audit.status));
  // What fails is not forbidden: least of all in an outage does an operator do without the tab.
  const mayBe = ({ status }) => !DENIED.has(status);
  return { why, roles: { audit: mayBe(audit), admin: mayBe(runs) } };
}
