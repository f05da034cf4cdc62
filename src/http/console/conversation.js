/** What this tab has asked, kept so that a reload goes on where it was. */

import { tab } from "./storage.js";

/** More turns than this are not read again. */
const MOST = 20;

/**
 * The conversation of a user in this tab: `{ threadId, turns }`, a turn being `{ prompt, key, sessionId }`. The key is
 * that of the request that starts the run: sent again, it starts nothing, so a reload before the answer finds the run.
 */
export function keptConversation({ tenant, id }) {
  const name = `conversation.${tenant}/${id}`;
  const draft = `draft.${tenant}/${id}`;
  let dropped = null;
  let kept = parsed(tab.get(name)) ?? fresh();
  const write = () => tab.set(name, JSON.stringify(kept));
  return {
    get threadId() {
      return kept.threadId;
    },
    get turns() {
      return kept.turns;
    },
    get draft() {
      return tab.get(draft) ?? "";
    },
    set draft(text) {
      tab.set(draft, text);
    },
    add(prompt) {
      // It may have reached the server after all; then this is the same run.
      const key = dropped?.prompt === prompt ? dropped.key : randomId();
      const turn = { prompt, key, sessionId: null };
      dropped = null;
      kept.turns = [...kept.turns, turn].slice(-MOST);
      write();
      return turn;
    },
    named(turn, sessionId) {
      turn.sessionId = sessionId;
      write();
    },
    /** The server has refused it, or not answered: sent again after a reload, it would begin when nobody expects it. */
    drop(turn) {
      dropped = turn;
      kept.turns = kept.turns.filter((other) => other !== turn);
      write();
    },
    begin() {
      dropped = null;
      kept = fresh();
      write();
    },
  };
}

function fresh() {
  return { threadId: `console_${randomId()}`, turns: [] };
}

/** Also where a page may not use `crypto.randomUUID`: over plain HTTP. */
function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function parsed(text) {
  try {
    const kept = JSON.parse(text);
    return typeof kept?.threadId === "string" && Array.isArray(kept.turns) ? kept : null;
  } catch {
    return null;
  }
}
