/** People and what they decide on. */

import { consoleFor } from "./browser.mjs";
import { eventually } from "./process.mjs";
import { token } from "./server.mjs";

/** The inbox of somebody. */
export function inboxFor(t, server, options = {}) {
  return consoleFor(t, server, { place: "approvals", ...options });
}

/** The card with this in it. */
export const card = (page, text) => page.locator(".approval", { hasText: text });

/** A button of a card. */
export const button = (of, name) => of.locator(`[data-act="${name}"]`);

/** Waits until a card has come so far: `pending`, `approved`, … */
export async function becomes(of, status) {
  await of.and(of.page().locator(`[data-status="${status}"]`)).waitFor();
}

/** The text of a part of a card. */
export const said = (of, part) => of.locator(`.approval-${part}`).textContent();

/** Waits for a text in an element. */
export async function says(of, text) {
  await of.filter({ hasText: text }).first().waitFor();
}

/** A request of somebody over HTTP, who shows it to be what it is. */
export function call(server, path, { user = "1", tenant = "1", roles, method = "GET", body } = {}) {
  const headers = {
    Authorization: `Bearer ${token({ user, tenant, roles })}`,
    "X-Tenant-ID": tenant,
    Accept: "application/json",
  };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(server.base + path, { method, headers, body: JSON.stringify(body) });
}

/** Somebody asks for something elsewhere, and waits for nothing. Returns the session. */
export async function begin(server, prompt, options = {}) {
  const { user = "1", tenant = "1" } = options;
  const controller = new AbortController();
  const headers = {
    Authorization: `Bearer ${token(options)}`,
    "X-Tenant-ID": tenant,
    "X-User-ID": user,
    "Content-Type": "application/json",
  };
  const { signal } = controller;
  const answer = await fetch(`${server.base}/aura/test/stream`, {
    method: "POST",
    headers,
    signal,
    body: JSON.stringify({ prompt }),
  });
  if (!answer.ok) throw new Error(`no run: ${answer.status} ${await answer.text()}`);
  controller.abort();
  return answer.headers.get("x-session-id");
}

/** What waits, as `user` sees it, once there are so many. */
export function waiting(server, count, options = {}) {
  return eventually(`${count} wait`, async () => {
    const { data } = await (await call(server, "/aura/approvals", options)).json();
    return data.approvals.length === count && data.approvals;
  });
}

/** Decides over HTTP. */
export function decide(server, requestId, verb, options = {}) {
  return call(server, `/aura/approvals/${requestId}/${verb}`, { method: "POST", body: {}, ...options });
}

/** Where the focus is: what `of` has of it. */
export const hasFocus = (of) => of.evaluate((element) => element === document.activeElement);

/** Marks a page, so that a reload would be seen. */
export async function marked(page) {
  await page.evaluate(() => (window.isTheSame = true));
  return () => page.evaluate(() => window.isTheSame === true);
}
