/**
 * Ids of events: decimal integers, strictly increasing within a stream. They stay texts, because they may be
 * larger than what a `number` holds exactly.
 */

/** Whether a text is an event's id. */
export function isEventId(text: string): boolean {
  return /^(0|[1-9][0-9]{0,19})$/.test(text);
}

/** Whether `id` comes after `other`; everything comes after `null`. */
export function isAfter(id: string, other: string | null): boolean {
  if (other === null) return true;
  return id.length === other.length ? id > other : id.length > other.length;
}
