// The pages below a path, as behind a reverse proxy: nothing in them is absolute.

import assert from "node:assert/strict";
import { test } from "node:test";
import { developed, drop, pixels } from "./pictures.mjs";
import { png } from "./png.mjs";
import { Site, counts, hears, say } from "./site.mjs";

const site = Site.forThisFile(["--base-path", "/relay"]);

test("chat, negatives and sharing work below a base path", async () => {
  const page = await site.open({ room: "below", name: "ada" });
  assert.match(new URL(page.url()).pathname, /^\/relay\/$/);
  await say(page, "hello from below");
  await hears(page, "hello from below");
  await drop(page, { name: "low.png", type: "image/png", bytes: png(9, 9, () => [10, 20, 30, 255]) });
  await (await developed(page)).locator(".share").click();
  const shown = page.locator("#messages li.own[data-offset] img");
  await shown.waitFor();
  assert.deepEqual((await pixels(shown)).rgba.slice(0, 4), [245, 235, 225, 255]);
});

test("so do the pages of htmx and Channels", async () => {
  const picture = { name: "low.png", mimeType: "image/png", buffer: png(9, 9, () => [10, 20, 30, 255]) };
  const channels = await site.visit("chat/");
  await channels.fill("#room-name-input", "doors");
  await channels.press("#room-name-input", "Enter");
  await channels.waitForSelector("#chat-status[data-state=connected]");
  assert.match(new URL(channels.url()).pathname, /^\/relay\/chat\/doors\/$/);

  const edsger = await site.open({ room: "doors" });
  await counts(edsger, 2);

  const htmx = await site.visit("htmx?room=doors&name=ada");
  await htmx.fill("#chat_message", "hello from below");
  await htmx.press("#chat_message", "Enter");
  await channels.waitForFunction(() => document.querySelector("#chat-log").value === "ada: hello from below\n");
  await htmx.setInputFiles("input[type=file]", picture);
  await htmx.getByRole("button", { name: "Turn and share" }).click();
  const shown = htmx.locator("#chat_room img");
  await shown.waitFor();
  assert.deepEqual((await pixels(shown)).rgba.slice(0, 4), [245, 235, 225, 255]);
});
