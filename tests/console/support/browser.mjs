/** A real Chromium, and in it the console as people see it. */

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { PATIENCE_MS } from "./process.mjs";
import { ROOT, token } from "./server.mjs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
/** With the last one Chromium itself calls nobody. */
const FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const SCREENSHOTS = join(ROOT, "target/console-screenshots");

/** One browser for all tests of a file. */
let browser = null;
after(async () => (await browser)?.close());

function launched() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("there is no Chromium: install it, or set CHROMIUM to its path");
  return chromium.launch({ executablePath, args: FLAGS });
}

/**
 * A window that shares nothing with others, and in it a blank page. `seen` has whatever must not be: errors, violations
 * of the policy, dialogs, requests to anybody but `base` (and `others`).
 */
export async function windowFor(t, base, { others = [], ...options } = {}) {
  const context = await (await (browser ??= launched())).newContext({ locale: "ko-KR", ...options });
  t.after(() => context.close());
  if (process.env.CONSOLE_FROM_SOURCES) await context.route(`${base}/console/*`, fromSources);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const seen = [];
  page.on("pageerror", (error) => seen.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => (seen.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("console", (message) => message.type() === "error" && !isExpected(message.text()) && seen.push(message.text()));
  context.on("request", (request) => {
    if (![base, ...others].includes(new URL(request.url()).origin)) seen.push(`request: ${request.url()}`);
  });
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  return { context, page, seen };
}

/** With `CONSOLE_FROM_SOURCES=1` the files are not those of the binary: for whoever works on them. */
async function fromSources(route) {
  const path = join(ROOT, "src/http", new URL(route.request().url()).pathname);
  return existsSync(path) ? route.fulfill({ path }) : route.continue();
}

/** Chromium tells of every refusal and of every lost connection there, too. */
function isExpected(text) {
  return text.includes("net::ERR_") || /the server responded with a status of (400|401|403|404|409|503)/.test(text);
}

/** The console, and somebody signed in, as `serve --dev` lets people in. */
export async function consoleFor(t, server, { user = "1", tenant = "1", roles, place = "", ...options } = {}) {
  const opened = await windowFor(t, server.base, options);
  await enter(opened.page, server, token({ user, tenant, roles }));
  if (place !== "") await go(opened.page, place);
  return opened;
}

export async function enter(page, server, text) {
  await page.goto(`${server.base}/#token=${text}&tenant=1`);
  await page.waitForSelector(".bar");
}

/** Goes to an address of the console: `approvals`, `sessions/…`. */
export async function go(page, place) {
  await page.evaluate((place) => (location.hash = `#/${place}`), place);
  const name = place.split("/")[0];
  await page.waitForSelector(`.tab[href="#/${name}"][aria-current="page"]`);
}

/** Types a prompt and sends it. */
export async function ask(page, prompt) {
  await page.fill("#prompt", prompt);
  await page.press("#prompt", "Enter");
}

/** Waits for the end of the last run, and returns how it ended: `completed`, … */
export async function ended(page, runs = 1) {
  await page.waitForFunction((runs) => document.querySelectorAll(".event.end").length >= runs, runs);
  return page.locator(".event.end .chip").last().getAttribute("data-state");
}

/**
 * What axe finds wrong with what is shown: `[]`, and what it has looked at. All of the page is in the window meanwhile:
 * what lies behind the bar for as long as nobody scrolls is not out of reach.
 */
export async function axe(page) {
  const window = page.viewportSize();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ ...window, height: Math.max(window.height, height) });
  try {
    return await looked(page);
  } finally {
    await page.setViewportSize(window);
  }
}

async function looked(page) {
  await page.evaluate(AXE);
  const { passes, violations } = await page.evaluate(() => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return window.axe.run(document, { runOnly: tags });
  });
  const told = ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`;
  return { passed: passes.map(({ id }) => id), violations: violations.map(told) };
}

/** Whether the page can be scrolled sideways: by how many pixels. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** A picture for those who look at the build. */
export async function picture(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/** That nothing has happened that must not. */
export async function nothingWrong({ page, seen }) {
  return [...seen, ...(await page.evaluate(() => window.violations))];
}
