/**
 * Makes `src/generated/` out of `docs/openapi.json` and `docs/asyncapi.json`: what `src/types.ts` names, and whatever
 * that is made of. `--check` writes nothing, and fails if what is there is not what they say.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const SOURCES = [
  { document: "openapi.json", alias: "Routes", target: "routes.ts", about: "What the routes take and answer" },
  { document: "asyncapi.json", alias: "Streams", target: "streams.ts", about: "The events of the streams" },
];

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

/** Both documents keep their schemas in the same place, and in the same language (JSON Schema 2020-12). */
async function typesOf({ document, alias, about }) {
  const all = JSON.parse(read(`../../../docs/${document}`)).components.schemas;
  const named = [...read("../src/types.ts").matchAll(new RegExp(`${alias}\\["(\\w+)"\\]`, "g"))];
  const schemas = closure(
    all,
    named.map(([, name]) => name),
  );
  const source = { openapi: "3.1.0", info: { title: about, version: "1" }, components: { schemas } };
  const text = astToString(await openapiTS(source));
  const types = /^export interface components \{\n {4}schemas: (\{\n[^]*?\n {4}\});$/m.exec(text)?.[1];
  if (types === undefined) throw new Error(`${document} has no schemas`);
  const body = types.replaceAll('components["schemas"]', "Schemas").replaceAll(/^ {4}/gm, "");
  return `/** ${about}. Generated from docs/${document} by \`npm run generate\`: do not change it here. */\nexport interface Schemas ${body}\n`;
}

/** These schemas, and all that they refer to, in the document's order. */
function closure(all, names) {
  const wanted = new Set();
  const want = (name) => {
    if (wanted.has(name)) return;
    if (all[name] === undefined) throw new Error(`src/types.ts names ${name}, which is not described`);
    wanted.add(name);
    for (const [, target] of JSON.stringify(all[name]).matchAll(/"#\/components\/schemas\/(\w+)"/g)) want(target);
  };
  names.forEach(want);
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name)));
}

const isCheck = process.argv.includes("--check");
const folder = new URL("../src/generated/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const source of SOURCES) {
  const types = await typesOf(source);
  const target = new URL(source.target, folder);
  if (!isCheck) {
    writeFileSync(target, types);
  } else if (readFileSync(target, "utf8") !== types) {
    console.error(`src/generated/${source.target} is not what docs/${source.document} says: npm run generate`);
    process.exitCode = 1;
  }
}
