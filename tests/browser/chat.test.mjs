// People in rooms: what one says, the others see, in order and as text.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Site, connected, conversation, hears, say } from "./site.mjs";

const site = Site.forThisFile();

test("two people hear each other in the same order", async () => {
  const ada = await site.open({ room: "order", name: "ada" });
  const grace = await site.open({ room: "order", name: "grace" });
  for (const round of [1, 2, 3]) {
    await say(ada, `ada ${round}`);
    await hears(grace, `ada ${round}`);
    await say(grace, `grace ${round}`);
    await hears(ada, `grace ${round}`);
  }
  const said = [1, 2, 3].flatMap((round) => ["ada", "grace"].map((from) => ({ from, text: `${from} ${round}` })));
  assert.deepEqual(await conversation(ada), said);
  assert.deepEqual(await conversation(grace), said);
});

test("quickly sent messages keep their order and come once", async () => {
  const ada = await site.open({ room: "quick", name: "ada" });
  const grace = await site.open({ room: "quick", name: "grace" });
  const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
  for (const text of texts) await say(ada, text);
  for (const page of [ada, grace]) {
    await hears(page, texts.at(-1));
    assert.deepEqual((await conversation(page)).map(({ text }) => text), texts);
  }
});

test("markup in names and texts stays text", async () => {
  const name = `<img src=x onerror="document.title='pwned'">`;
  const text = `<script>document.title='pwned'</script><b>bold</b> &amp; "quotes"`;
  const mallory = await site.open({ room: "markup", name });
  const ada = await site.open({ room: "markup", name: "ada" });
  await say(mallory, text);
  await hears(ada, text);
  assert.deepEqual(await conversation(ada), [{ from: name, text }]);
  assert.equal(await ada.locator("#messages").locator("img, script, b:not(.from)").count(), 0);
  assert.match(await ada.title(), /#markup – negaphone$/);
});

test("own messages are marked, also after a reload, and others' are not", async () => {
  const ada = await site.open({ room: "own", name: "ada" });
  const grace = await site.open({ room: "own", name: "ada" });
  await say(ada, "mine");
  await hears(grace, "mine");
  await ada.reload();
  await hears(ada, "mine");
  assert.equal(await ada.locator("#messages li.own").count(), 1);
  assert.equal(await grace.locator("#messages li.own").count(), 0);
});

test("whoever comes later sees what was said before, with times and the day", async () => {
  const ada = await site.open({ room: "history", name: "ada" });
  await say(ada, "said early");
  await hears(ada, "said early");
  const late = await site.open({ room: "history" });
  await hears(late, "said early");
  const stamp = await late.locator("#messages li[data-offset] time").getAttribute("datetime");
  assert.ok(Math.abs(Date.now() - Date.parse(stamp)) < 60_000, stamp);
  assert.equal(await late.locator("#messages .day").textContent(), "Today");
});

test("rooms are apart, and the dialog switches between them", async () => {
  const ada = await site.open({ room: "north", name: "ada" });
  const grace = await site.open({ room: "south", name: "grace" });
  await say(ada, "only in the north");
  await hears(ada, "only in the north");
  await grace.click("#room");
  assert.match(await grace.inputValue("#room-link"), /\/\?room=south$/);
  await grace.fill("#room-field", "no such room!");
  await grace.press("#room-field", "Enter");
  assert.match(await grace.textContent("#room-fault"), /letters, digits/);
  await grace.fill("#room-field", "north");
  await grace.press("#room-field", "Enter");
  await hears(grace, "only in the north");
  assert.equal(new URL(grace.url()).searchParams.get("room"), "north");
  await grace.goBack();
  await grace.waitForSelector("#room[data-room=south]");
  await connected(grace);
  assert.deepEqual(await conversation(grace), []);
});

test("the page tells who came and how many are here", async () => {
  const ada = await site.open({ room: "presence", name: "ada" });
  await ada.waitForFunction(() => document.querySelector("#members").textContent === "1 here");
  const grace = await site.open({ room: "presence", name: "grace" });
  await ada.getByText("grace came").waitFor();
  await ada.waitForFunction(() => document.querySelector("#members").textContent === "2 here");
  await grace.close();
  await ada.waitForFunction(() => document.querySelector("#members").textContent === "1 here");
});

test("a text over 16 KiB is not sent and the reader is told by how much", async () => {
  const ada = await site.open({ room: "long", name: "ada" });
  await ada.fill("#text", "x".repeat(16 * 1024 + 3));
  assert.match(await ada.textContent("#limit"), /^3 bytes too long/);
  assert.equal(await ada.isDisabled("#send"), true);
  const longest = "x".repeat(16 * 1024);
  await say(ada, longest);
  await hears(ada, longest);
  assert.equal((await conversation(ada)).length, 1);
});

test("a reader of old messages is not pulled down but offered the new ones", async () => {
  const reader = await site.open({ room: "scroll", name: "reader" });
  const writer = await site.open({ room: "scroll", name: "writer" });
  for (let line = 0; line < 30; line += 1) await say(writer, `line ${line}`);
  await hears(reader, "line 29");
  const scroller = reader.locator("#scroller");
  const fromBottom = () => scroller.evaluate((at) => at.scrollHeight - at.clientHeight - at.scrollTop);
  assert.ok((await fromBottom()) < 5, "the list keeps to its end while the reader is there");
  await scroller.evaluate((at) => at.scrollTo(0, 0));
  await reader.waitForFunction(() => document.querySelector("#scroller").scrollTop === 0);
  await say(writer, "news");
  await reader.locator("#newer", { hasText: "1 new message" }).waitFor();
  assert.equal(await scroller.evaluate((at) => at.scrollTop), 0);
  await reader.click("#newer");
  assert.ok((await fromBottom()) < 5);
  assert.equal(await reader.isVisible("#newer"), false);
});

test("data and addresses are shown as such", async () => {
  const ada = await site.open({ room: "data", name: "ada" });
  await ada.evaluate(async () => {
    const url = new URL("ws?room=data&name=robot", location.href);
    url.protocol = "ws:";
    const socket = new WebSocket(url);
    await new Promise((resolve) => (socket.onopen = resolve));
    socket.send(JSON.stringify({ type: "data", data: { x: 1, tag: "<i>" } }));
    socket.send(JSON.stringify({ type: "chat", text: "see https://example.org/a?b=1." }));
  });
  await ada.waitForSelector("#messages li[data-offset] a");
  assert.equal(await ada.textContent("#messages .data"), `{"x":1,"tag":"<i>"}`);
  assert.equal(await ada.getAttribute("#messages li a", "href"), "https://example.org/a?b=1");
});
