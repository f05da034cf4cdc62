/** Paths of routes that have an id in them. */

/** What the server's ids are made of; any of its ids can stand in a path as it is. */
const ID = /^[A-Za-z0-9._@:~-]+$/;
/** The names of folders here and above, which a path does not keep as they are. */
const FOLDER = /^\.\.?$/;

/**
 * An id as one segment of a path, and nothing else: what no server has made (an empty text, `..`, `undefined`) would be
 * the path of another route. Throws a `TypeError` that names it. `what`: whose id, for instance `requestId`.
 */
export function segment(what: string, id: string): string {
  if (typeof id === "string" && ID.test(id) && !FOLDER.test(id)) return id;
  throw new TypeError(`${what} must be an id that the server has given, is ${JSON.stringify(id) ?? typeof id}`);
}
