/**
 * Makes `src/generated/` out of `docs/openapi.json` and `docs/asyncapi.json`. `--check` writes nothing, and fails if
 * what is there is not what they say.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const SOURCES = [
  { document: "openapi.json", target: "routes.ts", about: "What the routes take and answer" },
  { document: "asyncapi.json", target: "streams.ts", about: "The events of the streams" },
];

/** Both documents keep their schemas in the same place, and in the same language (JSON Schema 2020-12). */
async function typesOf({ document, about }) {
  const source = new URL(`../../../docs/${document}`, import.meta.url);
  const { components } = JSON.parse(readFileSync(source, "utf8"));
  const only = { openapi: "3.1.0", info: { title: about, version: "1" }, components: { schemas: components.schemas } };
  const all = astToString(await openapiTS(only));
  const schemas = /^export interface components \{\n {4}schemas: (\{\n[^]*?\n {4}\});$/m.exec(all)?.[1];
  if (schemas === undefined) throw new Error(`${document} has no schemas`);
  const body = schemas.replaceAll('components["schemas"]', "Schemas").replaceAll(/^ {4}/gm, "");
  return `/** ${about}. Generated from docs/${document} by \`npm run generate\`: do not change it here. */\nexport interface Schemas ${body}\n`;
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
