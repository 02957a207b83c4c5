// The pages of the Channels style chat.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Site, connected, counts, hears, say } from "./site.mjs";

const site = Site.forThisFile();
const CONNECTED = "#chat-status[data-state=connected]";

async function enter(room, options) {
  const page = await site.visit("chat/", undefined, options);
  await page.fill("#room-name-input", room);
  await page.click("#room-name-submit");
  await page.waitForSelector(CONNECTED);
  return page;
}

async function write(page, text) {
  await page.fill("#chat-message-input", text);
  await page.click("#chat-message-submit");
}

/** Waits until the log shows just these lines. */
async function reads(page, lines) {
  const expected = lines.map((line) => `${line}\n`).join("");
  const isLongEnough = (length) => document.querySelector("#chat-log").value.length >= length;
  await page.waitForFunction(isLongEnough, expected.length);
  assert.equal(await page.inputValue("#chat-log"), expected);
}

test("who chooses a room chats with all who are there, of whatever door", async () => {
  const [ada, grace] = [await enter("both"), await enter("both")];
  assert.match(new URL(ada.url()).pathname, /\/chat\/both\/$/);
  const edsger = await site.open({ room: "both", name: "edsger" });
  await counts(edsger, 3);
  await write(ada, "hello");
  await reads(grace, ["hello"]);
  await write(grace, "hei");
  await hears(edsger, "hei");
  await say(edsger, "dag");
  for (const page of [ada, grace]) await reads(page, ["hello", "hei", "edsger: dag"]);
  assert.equal(await ada.inputValue("#chat-message-input"), "");
});

test("an empty field leads to the lobby, and a name that is none is refused before the way", async () => {
  const page = await site.visit("chat/");
  await page.fill("#room-name-input", "no such room!");
  await page.click("#room-name-submit");
  assert.equal(await page.evaluate(() => document.querySelector("#room-name-input").validity.valid), false);
  await page.fill("#room-name-input", "");
  await page.press("#room-name-input", "Enter");
  await page.waitForSelector(CONNECTED);
  assert.match(new URL(page.url()).pathname, /\/chat\/lobby\/$/);
});

test("markup stays what was typed", async () => {
  const ada = await enter("inert");
  const evil = "</textarea><img src=x onerror=\"document.title='caught'\"><b>bold</b>";
  await write(ada, evil);
  await reads(ada, [evil]);
  assert.equal(await ada.locator("main img[src=x], main b").count(), 0);
  assert.notEqual(await ada.title(), "caught");
});

test("a page finds back after a restart, and keeps what is typed meanwhile", async () => {
  const [ada, grace] = [await enter("again"), await enter("again")];
  const edsger = await site.open({ room: "again" });
  await counts(edsger, 3);
  await write(ada, "before");
  await reads(grace, ["before"]);
  await site.stopServer();
  await ada.waitForSelector("#chat-status:not([data-state=connected])");
  await write(ada, "while away");
  assert.equal(await ada.inputValue("#chat-message-input"), "while away");
  await site.startServerAgain();
  for (const page of [ada, grace]) await page.waitForSelector(CONNECTED);
  await connected(edsger);
  await counts(edsger, 3);
  await ada.click("#chat-message-submit");
  for (const page of [ada, grace]) await reads(page, ["before", "while away"]);
});
