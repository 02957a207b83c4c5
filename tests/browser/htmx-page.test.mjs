// The page /htmx, in which no line of JavaScript is our own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pixels } from "./pictures.mjs";
import { png } from "./png.mjs";
import { Site, say } from "./site.mjs";

const site = Site.forThisFile([], [], { keeps: true });
const PICTURE = { name: "small.png", mimeType: "image/png", buffer: png(48, 32, () => [10, 20, 30, 255]) };
const NEGATIVE = { width: 48, height: 32, first: [245, 235, 225, 255] };

async function enter(room, name, options) {
  const page = await site.visit(`htmx?${new URLSearchParams({ room, name })}`, undefined, options);
  // The conversation comes with the connection, even one of no messages.
  await page.locator("#chat_room .waiting").waitFor({ state: "detached" });
  return page;
}

/** Types as a person does, into whatever has the focus. */
async function type(page, text) {
  await page.keyboard.insertText(text);
  await page.keyboard.press("Enter");
}

async function emptied(page) {
  await page.waitForFunction(() => document.querySelector("#chat_message").value === "");
}

async function sees(page, text) {
  await page.locator("#chat_room > p").filter({ hasText: text }).first().waitFor();
}

/** Waits until the conversation is just this, each `name: text`. */
async function reads(page, lines) {
  await page.locator("#chat_room > p").nth(lines.length - 1).waitFor();
  assert.deepEqual(await conversation(page), lines);
}

async function conversation(page) {
  return page.locator("#chat_room > p").evaluateAll((lines) =>
    lines.map((line) => {
      const from = line.querySelector("b").textContent;
      return `${from}: ${line.textContent.slice(from.length).trim()}`;
    }),
  );
}

async function turned(image) {
  await image.waitFor();
  const { width, height, rgba } = await pixels(image);
  assert.deepEqual({ width, height, first: rgba.slice(0, 4) }, NEGATIVE);
  assert.equal(await image.evaluate((img) => img.clientWidth), NEGATIVE.width);
}

test("two people chat; the field is emptied and keeps the focus", async () => {
  const [ada, grace] = [await enter("two", "ada"), await enter("two", "grace")];
  for (const text of ["hello", "how are you?"]) {
    await type(ada, text);
    await sees(grace, text);
    await emptied(ada);
    assert.equal(await ada.evaluate(() => document.activeElement.id), "chat_message");
  }
  await type(grace, "<i>well</i>");
  for (const page of [ada, grace]) {
    await reads(page, ["ada: hello", "ada: how are you?", "grace: <i>well</i>"]);
    assert.equal(await page.locator("#chat_room i").count(), 0);
  }
});

test("what is typed while a message is on its way stays, however far the server is", async () => {
  const ada = await enter("far", "ada");
  const far = ada.waitForResponse((response) => response.url().endsWith("/htmx/field"));
  await type(ada, "first");
  await far;
  await emptied(ada);
  await reads(ada, ["ada: first"]);
  // A server that does nothing for a while is as far as can be.
  site.server.signal("SIGSTOP");
  await type(ada, "hello");
  await emptied(ada);
  await ada.keyboard.insertText("not sent");
  site.server.signal("SIGCONT");
  await reads(ada, ["ada: first", "ada: hello"]);
  assert.equal(await ada.inputValue("#chat_message"), "not sent");
  await ada.keyboard.press("Enter");
  await reads(ada, ["ada: first", "ada: hello", "ada: not sent"]);
});

test("what is refused is said and shown, and the next message takes it away", async () => {
  const ada = await enter("refused", "ada");
  const tooLong = "x".repeat(20_000);
  await type(ada, tooLong);
  await ada.getByRole("alert").getByText(/20000 bytes/).waitFor();
  assert.equal(await ada.getByRole("textbox", { name: "What was refused" }).inputValue(), tooLong);
  await emptied(ada);
  await type(ada, "shorter");
  await reads(ada, ["ada: shorter"]);
  await ada.locator("#errors > *").first().waitFor({ state: "detached" });
});

test("a picture is turned for oneself, and shared with the room", async () => {
  const [ada, grace] = [await enter("picture", "ada"), await enter("picture", "grace")];
  const edsger = await site.open({ room: "picture", name: "edsger" });
  await ada.setInputFiles("input[type=file]", PICTURE);
  await ada.getByRole("button", { name: "Turn", exact: true }).click();
  await turned(ada.locator("#negative img"));
  assert.equal(await grace.locator("#chat_room img").count(), 0);

  await ada.getByRole("button", { name: "Turn and share" }).click();
  for (const page of [ada, grace]) await turned(page.locator("#chat_room img"));
  const shown = edsger.locator("#messages li[data-offset] img");
  await shown.waitFor();
  assert.deepEqual((await pixels(shown)).rgba.slice(0, 4), NEGATIVE.first);
});

test("a picture that is none is refused in words", async () => {
  site.allow(/status of 4\d\d|Response Status Error Code 4\d\d/);
  const ada = await enter("none", "ada");
  await ada.setInputFiles("input[type=file]", { ...PICTURE, buffer: Buffer.from("no picture at all") });
  await ada.getByRole("button", { name: "Turn", exact: true }).click();
  await ada.locator("#negative .fault").waitFor();
});

test("without a picture nothing is sent", async () => {
  const ada = await enter("nothing", "ada");
  const posted = [];
  ada.on("request", (request) => posted.push(request.method()));
  await ada.getByRole("button", { name: "Turn", exact: true }).click();
  await ada.focus("#chat_message");
  await type(ada, "still here");
  await reads(ada, ["ada: still here"]);
  assert.equal(posted.includes("POST"), false);
  assert.equal(await ada.evaluate(() => document.querySelector("#picture_form").checkValidity()), false);
});

test("the newest message is in sight, and what one reads above stays where it is", async () => {
  const ada = await enter("long", "ada", { viewport: { width: 1000, height: 500 } });
  const grace = await site.open({ room: "long", name: "grace" });
  for (let k = 1; k <= 30; k += 1) await say(grace, `line ${k}`);
  await sees(ada, "line 30");
  const inSight = (text) =>
    ada.locator("#chat_room > p").filter({ hasText: new RegExp(`${text}$`) }).evaluate((line) => {
      const { top, bottom } = line.getBoundingClientRect();
      const box = line.closest(".newest-last").getBoundingClientRect();
      return top >= box.top - 1 && bottom <= box.bottom + 1;
    });
  assert.equal(await inSight(" line 30"), true);
  assert.equal(await inSight(" line 1"), false);
  await ada.locator(".newest-last").hover();
  await ada.mouse.wheel(0, -100_000);
  await ada.waitForFunction(() => document.querySelector("#chat_room").getBoundingClientRect().top >= 0);
  await say(grace, "line 31");
  await sees(ada, "line 31");
  assert.equal(await inSight(" line 1"), true);
});

test("after a restart everything shows once, and what was typed meanwhile arrives", async () => {
  const [ada, grace] = [await enter("restart", "ada"), await enter("restart", "grace")];
  await type(ada, "before");
  await reads(grace, ["ada: before"]);
  // The next attempt to connect; until then the page may take the connection for open.
  const attempt = grace.waitForEvent("websocket");
  await site.stopServer();
  await attempt;
  await type(grace, "while away");
  await site.startServerAgain();
  await reads(ada, ["ada: before", "grace: while away"]);
  await reads(grace, ["ada: before", "grace: while away"]);
  await type(ada, "after");
  for (const page of [ada, grace]) await reads(page, ["ada: before", "grace: while away", "ada: after"]);
});

test("the page has no script but htmx and its extension", async () => {
  const html = await (await fetch(new URL("htmx", site.server.url))).text();
  const scripts = [...html.matchAll(/<script[^>]*>/g)].map(([tag]) => /src="\/assets\/vendor\/(.+)"/.exec(tag)?.[1]);
  assert.deepEqual(scripts, ["htmx.min.js", "htmx-ws.min.js"]);
  assert.doesNotMatch(html, /\sstyle=|\son[a-z]+=|\shx-on|<style/);
});

for (const width of [320, 360, 768]) {
  test(`nothing scrolls sideways at ${width} pixels`, async () => {
    const page = await enter("narrow", "a-rather-long-name-of-somebody", { viewport: { width, height: 700 } });
    await type(page, `unbroken${"x".repeat(300)}`);
    await sees(page, "unbroken");
    const wider = await page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll("header, .newest-last, .talk, .table, .frame")]
        .filter((box) => box.scrollWidth > box.clientWidth)
        .map((box) => `${box.tagName}.${box.className}: ${box.scrollWidth} > ${box.clientWidth}`),
    );
    assert.deepEqual(wider, []);
  });
}
