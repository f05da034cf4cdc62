/** The pictures of the documents, taken anew with each run: docs/images has three of them, copied by hand. */

import { test } from "node:test";
import { begin, waiting } from "./support/approvals.mjs";
import { ask, consoleFor, ended, go, picture } from "./support/browser.mjs";
import { MERGE, serverFor } from "./support/scene.mjs";

const WINDOW = { width: 1120, height: 960 };

/** What follows an event is laid out with the next frame. */
const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

test("pictures: a conversation, an approval, the inbox, the same in the dark and on a phone", async (t) => {
  const server = await serverFor(t);
  const { page } = await consoleFor(t, server, { viewport: WINDOW });
  await picture(page, "welcome");
  await ask(page, "main과 feature 브랜치의 차이를 보여줘");
  await ended(page);
  await page.setViewportSize({ ...WINDOW, height: 1180 });
  await settled(page);
  await picture(page, "conversation");
  await page.setViewportSize(WINDOW);
  await ask(page, MERGE);
  await page.waitForSelector(".approval .primary");
  await settled(page);
  await picture(page, "approval");
  await begin(server, "kim@example.com 에게 메일을 보내주세요. 제목: 주간 보고, 내용: 이번 주 병합 내역을 정리했습니다.", { user: "2" });
  await begin(server, "lee@example.com 에게 메일을 보내주세요. 제목: 배포 안내, 내용: 오늘 오후 6시에 배포합니다.", { user: "3" });
  await waiting(server, 3);
  await go(page, "approvals");
  await page.waitForFunction(() => document.querySelectorAll(".approval .primary").length === 3);
  await page.mouse.move(0, 0);
  await picture(page, "inbox");
  const dark = await consoleFor(t, server, { viewport: WINDOW, colorScheme: "dark", place: "approvals" });
  await dark.page.waitForFunction(() => document.querySelectorAll(".approval .primary").length === 3);
  await picture(dark.page, "inbox-dark");
  const phone = await consoleFor(t, server, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  await picture(phone.page, "welcome-phone");
  await go(phone.page, "approvals");
  await phone.page.waitForFunction(() => document.querySelectorAll(".approval .primary").length === 3);
  await picture(phone.page, "inbox-phone");
});
