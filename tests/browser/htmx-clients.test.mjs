// Pages of others, of htmx 2 with its ws extension and of htmx 4 with hx-ws,
// at the door /ws/htmx: the packages as npm has them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Host } from "./host.mjs";
import { Site, connected, hears, say } from "./site.mjs";

const site = Site.forThisFile([], [], { keeps: true });

const CLIENTS = [
  {
    name: "htmx 2",
    scripts: ["htmx.org/dist/htmx.js", "htmx-ext-ws/ws.js"],
    connect: (url) => `hx-ext="ws" ws-connect="${url}"`,
    send: "ws-send",
  },
  {
    name: "htmx 4",
    scripts: ["htmx4/dist/htmx.js", "htmx4/dist/ext/hx-ws.js"],
    connect: (url) => `hx-ws:connect="${url}"`,
    send: "hx-ws:send",
  },
];

let host;

before(async () => {
  host = await Host.start(() => site.server.port, answer);
});
after(() => host.stop());

/** Pages are `/<client>/<room>`; all else is a file of a package. */
async function answer(path) {
  const [, at, room] = path.split("/");
  const client = CLIENTS.find(({ name }) => name === decodeURIComponent(at));
  if (client) return { type: "text/html", body: html(client, room) };
  return { type: "text/javascript", body: await readFile(new URL(`node_modules${path}`, import.meta.url)) };
}

function html({ scripts, connect, send }, room) {
  return `<!doctype html>
    <link rel="icon" href="data:,">
    ${scripts.map((path) => `<script src="/${path}"></script>`).join("\n")}
    <div id="socket" ${connect(`/ws/htmx?room=${room}&amp;name=ada`)}>
      <div id="chat_room">Connecting</div>
      <div id="errors"></div>
      <form id="form" ${send}><input name="chat_message"></form>
    </div>`;
}

async function enter(client, room) {
  const page = await site.visit(`${host.url}${client.name}/${room}`);
  await page.waitForFunction(() => document.querySelector("#chat_room").textContent !== "Connecting");
  return page;
}

async function write(page, text) {
  await page.fill("[name=chat_message]", text);
  await page.press("[name=chat_message]", "Enter");
}

/** Waits until the conversation is just this. */
async function reads(page, lines) {
  await page.locator("#chat_room > p").nth(lines.length - 1).waitFor();
  assert.deepEqual(await page.locator("#chat_room > p").allTextContents(), lines);
}

for (const client of CLIENTS) {
  const room = client.name.replace(" ", "-");

  test(`${client.name} chats and keeps its form, whatever is said or refused`, async () => {
    const ada = await enter(client, room);
    const grace = await site.open({ room, name: "grace" });
    const form = await ada.locator("#form").elementHandle();
    await write(ada, "hello");
    await hears(grace, "hello");
    await say(grace, "<b>hei</b>");
    await reads(ada, ["ada hello", "grace <b>hei</b>"]);
    await write(ada, "x".repeat(20_000));
    await ada.locator("#errors").getByText(/20000 bytes/).waitFor();
    await write(ada, "again");
    await hears(grace, "again");
    await reads(ada, ["ada hello", "grace <b>hei</b>", "ada again"]);
    await ada.locator("#errors > p").waitFor({ state: "detached" });
    assert.equal(await form.evaluate((form) => form.isConnected), true);
    assert.equal(await ada.locator("#socket, #chat_room, #errors, #form").count(), 4);
  });

  test(`${client.name} comes back after a restart and shows nothing twice`, async () => {
    const ada = await enter(client, `${room}-restart`);
    const grace = await site.open({ room: `${room}-restart`, name: "grace" });
    await say(grace, "before");
    await reads(ada, ["grace before"]);
    await site.stopServer();
    await site.startServerAgain();
    await connected(grace);
    await say(grace, "after");
    await reads(ada, ["grace before", "grace after"]);
    await write(ada, "here again");
    await hears(grace, "here again");
    await reads(ada, ["grace before", "grace after", "ada here again"]);
  });
}

test("the scripts that the page /htmx has are those of the packages", async () => {
  for (const [ours, theirs] of [
    ["htmx.min.js", "htmx.org/dist/htmx.min.js"],
    ["htmx-ws.min.js", "htmx-ext-ws/dist/ws.min.js"],
  ]) {
    const served = Buffer.from(await (await fetch(new URL(`assets/vendor/${ours}`, site.server.url))).arrayBuffer());
    const packaged = await readFile(new URL(`node_modules/${theirs}`, import.meta.url));
    assert.equal(served.equals(packaged), true, ours);
  }
});
