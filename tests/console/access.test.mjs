/** For everybody: by keyboard, on a phone, in both languages, in light and dark, with a screen reader. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, axe, consoleFor, ended, go, nothingWrong, overflow, windowFor } from "./support/browser.mjs";
import { token } from "./support/server.mjs";
import { HELLO, MAIL, serverFor } from "./support/scene.mjs";

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** Everything that there is to see, one after the other: `look(name)` is called at each. */
async function tour(t, options, look) {
  const server = await serverFor(t, { AURA__AUDIT__ROLE: "auditor" });
  const out = await windowFor(t, server.base, options);
  await out.page.goto(server.base);
  await out.page.waitForSelector("#signin-token");
  await look(out.page, "signin");
  const window = await consoleFor(t, server, { ...options, roles: ["auditor"] });
  const { page } = window;
  await look(page, "welcome");
  await page.click(".example >> nth=0");
  await ended(page);
  for (const tool of await page.locator(".tool > summary").all()) await tool.click();
  await look(page, "answer");
  await ask(page, MAIL);
  await page.waitForSelector(".approval .primary");
  await look(page, "approval");
  await page.click(".menu summary");
  await look(page, "menu");
  await page.keyboard.press("Escape");
  for (const place of ["approvals", "sessions", "audit"]) {
    await go(page, place);
    await page.waitForSelector("main h1");
    await look(page, place);
  }
  await go(page, "sessions");
  await page.locator(".row").last().click();
  await ended(page);
  await look(page, "session");
  assert.deepEqual(await nothingWrong(window), []);
}

for (const [name, options] of [
  ["in light, in Korean", { colorScheme: "light", locale: "ko-KR", viewport: DESKTOP }],
  ["in dark, in English", { colorScheme: "dark", locale: "en-GB", viewport: DESKTOP }],
  ["on a phone, in dark, in Korean", { colorScheme: "dark", locale: "ko-KR", viewport: PHONE, isMobile: true, hasTouch: true }],
  ["on a phone, in light, in English", { colorScheme: "light", locale: "en-GB", viewport: PHONE, isMobile: true, hasTouch: true }],
]) {
  test(`axe finds nothing wrong with any view, and none is wider than the window: ${name}`, async (t) => {
    const passed = new Set();
    let looks = 0;
    await tour(t, options, async (page, at) => {
      const found = await axe(page);
      assert.deepEqual(found.violations, [], at);
      assert.equal(await overflow(page), 0, at);
      for (const rule of found.passed) passed.add(rule);
      looks += 1;
    });
    t.diagnostic(`axe, ${name}: ${passed.size} rules passed, 0 violations, ${looks} views`);
  });
}

test("enlarged four times, the page is read in one direction", async (t) => {
  await tour(t, { viewport: { width: 320, height: 256 } }, async (page, at) => assert.equal(await overflow(page), 0, at));
});

test("enlarged four times, what is read is not covered by what stays", async (t) => {
  const server = await serverFor(t);
  const { page } = await consoleFor(t, server, { viewport: { width: 320, height: 256 } });
  const staying = await page.evaluate(() => {
    const all = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility());
    const sticky = all.filter((element) => ["sticky", "fixed"].includes(getComputedStyle(element).position));
    return sticky.filter((element) => element.getBoundingClientRect().height > 1).map(({ className }) => className);
  });
  assert.deepEqual(staying.filter((name) => name !== "skip"), []);
});

test("on a phone the tab of what is shown is in the window", async (t) => {
  const server = await serverFor(t, { AURA__ADMIN__ROLE: "operator", AURA__AUDIT__ROLE: "auditor" });
  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, locale: "en-GB" };
  const { page } = await consoleFor(t, server, { ...phone, roles: ["operator", "auditor"] });
  for (const name of ["operators", "ask"]) {
    await go(page, name);
    const { left, right } = await page.locator(".tab[aria-current]").evaluate((tab) => tab.getBoundingClientRect().toJSON());
    assert.ok(left >= 0 && right <= 360, `${name}: ${left} to ${right}`);
  }
});

test("on a phone every control is large enough for a thumb", async (t) => {
  await tour(t, { viewport: PHONE, isMobile: true, hasTouch: true }, async (page, at) => {
    const small = await page.evaluate(() => {
      const shown = [...document.querySelectorAll("button, summary, select, textarea, input, .tab")].filter((one) => one.checkVisibility());
      const sizes = shown.map((one) => [one.textContent.trim().slice(0, 20), one.getBoundingClientRect()]);
      return sizes.filter(([, { width, height }]) => width < 24 || height < 24).map(([text, { width, height }]) => `${text} ${width}×${height}`);
    });
    assert.deepEqual(small, [], at);
  });
});

test("with nothing but the keyboard: sign in, ask, read what a tool gave, stop, change the view", async (t) => {
  const server = await serverFor(t);
  const window = await windowFor(t, server.base, { viewport: DESKTOP });
  const { page } = window;
  const { keyboard } = page;
  await page.goto(server.base);
  await page.waitForSelector("#signin-token:focus");
  await keyboard.insertText(token());
  await keyboard.press("Enter");
  await page.waitForSelector("#prompt:focus");
  await keyboard.insertText("저장소 상태를");
  await keyboard.press("Shift+Enter");
  await keyboard.insertText("알려줘");
  await keyboard.press("Enter");
  assert.equal(await ended(page), "completed");
  assert.equal(await page.textContent(".prompt"), "저장소 상태를\n알려줘");
  await page.waitForSelector("#prompt:focus");
  await shiftTabTo(page, ".tool > summary");
  await keyboard.press("Enter");
  await page.waitForSelector(".tool[open]");
  await keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.matches(".code, .tool-body *")), "what scrolls can be reached");
  await shiftTabTo(page, '.tab[href="#/sessions"]');
  await keyboard.press("Enter");
  await page.waitForSelector("h1:focus");
  await tabTo(page, ".row");
  await keyboard.press("Enter");
  assert.equal(await ended(page), "completed");
  await page.reload();
  await page.waitForSelector(".bar");
  await keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.matches(".skip")), "the first stop leads past the bar");
  await keyboard.press("Enter");
  await page.waitForSelector("main:focus");
  assert.deepEqual(await nothingWrong(window), []);
});

/** Presses a key until something has the focus; whatever has it on the way can be seen to have it. */
async function pressTo(page, key, selector) {
  for (let stops = 0; stops < 40; stops += 1) {
    await page.keyboard.press(key);
    const { isThere, isSeen, what } = await page.evaluate((selector) => {
      const { activeElement } = document;
      const around = [activeElement, activeElement.parentElement].filter((one) => one !== null);
      const isSeen = activeElement === document.body || around.some((one) => getComputedStyle(one).outlineStyle !== "none");
      return { isThere: activeElement.matches(selector), isSeen, what: activeElement.outerHTML.slice(0, 120) };
    }, selector);
    assert.ok(isSeen, `the focus is seen at ${what}`);
    if (isThere) return;
  }
  assert.fail(`never at ${selector}`);
}

const tabTo = (page, selector) => pressTo(page, "Tab", selector);
const shiftTabTo = (page, selector) => pressTo(page, "Shift+Tab", selector);

test("Enter that ends a syllable of an input method sends nothing", async (t) => {
  const { page } = await consoleFor(t, await serverFor(t));
  await page.fill("#prompt", "안녕하세");
  await page.dispatchEvent("#prompt", "keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true });
  assert.equal(await page.inputValue("#prompt"), "안녕하세");
  assert.equal(await page.locator(".turn").count(), 0);
});

test("whoever listens is told what was asked, and how it ended, but not every word", async (t) => {
  const { page } = await consoleFor(t, await serverFor(t));
  await page.evaluate(() => {
    window.spoken = [];
    const live = [...document.querySelectorAll("[aria-live]")];
    for (const region of live) new MutationObserver(() => window.spoken.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
  });
  await ask(page, HELLO);
  await ended(page);
  await page.waitForFunction(() => window.spoken.length > 1);
  await ask(page, MAIL);
  await page.waitForSelector(".approval .primary");
  await page.waitForFunction(() => /승인이 필요합니다: .*메일/.test(window.spoken.at(-1)));
  const spoken = await page.evaluate(() => window.spoken.filter((text) => text !== ""));
  assert.match(spoken.join("\n"), /요청을 보냈습니다/);
  assert.match(spoken.join("\n"), /완료\. ./);
  assert.ok(spoken.length < 8, spoken.join("\n"));
});

test("the language is the browser's, and another one once it is chosen, also after a reload", async (t) => {
  const server = await serverFor(t);
  const { page } = await consoleFor(t, server, { locale: "en-US" });
  assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
  assert.equal(await page.textContent('.tab[href="#/ask"]'), "Ask");
  await ask(page, HELLO);
  await ended(page);
  await page.fill("#prompt", "a draft");
  await page.click(".menu summary");
  await page.selectOption("#language", "ko");
  await page.waitForFunction(() => document.documentElement.lang === "ko");
  assert.equal(await page.textContent('.tab[href="#/ask"]'), "대화");
  await ended(page);
  assert.equal(await page.textContent(".prompt"), HELLO);
  assert.equal(await page.inputValue("#prompt"), "a draft");
  await page.reload();
  await page.waitForSelector(".bar");
  assert.equal(await page.evaluate(() => document.documentElement.lang), "ko");
  const german = await consoleFor(t, server, { locale: "de-DE" });
  assert.equal(await german.page.evaluate(() => document.documentElement.lang), "ko");
});

test("nothing moves for those who do not want it", async (t) => {
  const server = await serverFor(t);
  for (const [reducedMotion, moves] of [
    ["no-preference", true],
    ["reduce", false],
  ]) {
    const { page } = await consoleFor(t, server, { reducedMotion });
    await ask(page, MAIL);
    await page.waitForSelector(".approval");
    assert.equal((await page.evaluate(() => document.getAnimations().length)) > 0, moves);
  }
});
