/** Histories as bytes, to be compared. */

import type { AuraEvent } from "@dwp/aura-client";
import { TENANT, token, type Server } from "./server.js";

/** A stream read in one go over a connection that nothing cuts: the bytes that the server has for it. */
export async function journalOf(server: Server, sessionId: string, user?: string): Promise<string> {
  const owner = user === undefined ? {} : { user };
  const headers = { Authorization: `Bearer ${token(owner)}`, "X-Tenant-ID": TENANT };
  const response = await fetch(`${server.base}/aura/sessions/${sessionId}/stream`, { headers });
  if (response.status !== 200) throw new Error(`the journal cannot be read: ${response.status}`);
  const text = (await response.text()).replaceAll(": keep-alive id:\n\n", "");
  const trailer = /id: [0-9]+\ndata: \[DONE\]\n\n$/;
  if (!trailer.test(text)) throw new Error(`the journal has no trailer: ${text.slice(-200)}`);
  return text.replace(trailer, "");
}

/** The bytes that these events were. */
export function bytesOf(events: readonly AuraEvent[]): string {
  return events.map((event) => `id: ${event.id}\nevent: ${nameOf(event)}\ndata: ${event.raw}\n\n`).join("");
}

function nameOf(event: AuraEvent): string {
  return event.type === "unknown" ? event.name : event.type;
}
