/** The AsyncAPI document, as the reference parser sees it. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const text = await readFile(new URL("../../docs/asyncapi.json", import.meta.url), "utf8");

test("the reference parser finds nothing wrong with the document", async () => {
  const { document, diagnostics } = await new Parser().parse(text);
  const faults = diagnostics.filter((found) => found.severity <= DiagnosticSeverity.Warning);
  assert.deepEqual(faults, []);
  assert.equal(document.version(), "3.0.0");
});
