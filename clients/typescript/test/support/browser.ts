/** A real Chromium, and a server of pages for it. */

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { after, type TestContext } from "node:test";
import { chromium, type Browser, type Page } from "playwright-core";
import { PACKAGE } from "./server.js";

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** One browser for all tests of a file. */
let browser: Promise<Browser> | null = null;
after(async () => (await browser)?.close());

function launched(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("there is no Chromium: install it, or set CHROMIUM to its path");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A page that shares nothing with others. Whatever goes wrong in it is in `errors`. */
export async function pageFor(t: TestContext): Promise<{ page: Page; errors: string[] }> {
  const context = await (await (browser ??= launched())).newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // Chromium tells of every lost connection there, too; losing some is what these tests are about.
    if (message.type() === "error" && !message.text().includes("net::ERR_")) errors.push(message.text());
  });
  return { page, errors };
}

/** The files of this package over HTTP; the pages that `pages` has besides. Returns `http://localhost:<port>`. */
export async function siteFor(t: TestContext, pages: Readonly<Record<string, string>> = {}): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = join(PACKAGE, normalize(pathname));
    const content =
      pathname === "/favicon.ico" ? "" : (pages[pathname] ?? (existsSync(file) ? readFileSync(file) : null));
    const type = TYPES[extname(pathname)] ?? "application/octet-stream";
    response.writeHead(content === null ? 404 : 200, { "Content-Type": `${type}; charset=utf-8` });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}
