// What happens to a conversation while the server or the way to it is gone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { developed, drop } from "./pictures.mjs";
import { png } from "./png.mjs";
import { Site, connected, conversation, hears, say } from "./site.mjs";

const site = Site.forThisFile();

test("a message typed while the server is away arrives exactly once after its return", async () => {
  const ada = await site.open({ room: "away", name: "ada" });
  const grace = await site.open({ room: "away", name: "grace" });
  await say(ada, "before");
  await hears(grace, "before");

  await site.stopServer();
  await ada.waitForSelector("#status[data-state=waiting]");
  assert.match(await ada.textContent("#status-words"), /^Reconnecting in \d+ s$/);
  await say(ada, "while away");
  await ada.waitForSelector("#messages li[data-state=waiting]");

  await site.startServerAgain();
  await Promise.all([connected(ada), connected(grace)]);
  for (const page of [ada, grace]) {
    await hears(page, "while away");
    // Another round trip, after which a second copy would be here as well.
    await say(page, "after");
  }
  await grace.waitForFunction(() => document.querySelectorAll("#messages li[data-offset]").length >= 4);
  for (const page of [ada, grace]) {
    const copies = (await conversation(page)).filter(({ text }) => text === "while away");
    assert.equal(copies.length, 1);
    // The memory of this server went with it, and the page says so.
    assert.equal(await page.getByText("Some messages may be missing").count(), 1);
  }
});

test("a message whose confirmation was lost is sent again and stored once", async () => {
  let cut = false;
  const ada = await site.open({
    room: "lost",
    name: "ada",
    prepare: (page) =>
      page.routeWebSocket(/\/ws\?/, (socket) => {
        const server = socket.connectToServer();
        let deaf = false;
        socket.onMessage((message) => {
          server.send(message);
          if (cut || !String(message).includes("said once")) return;
          // The server has the message, but this page shall not hear of it.
          cut = true;
          deaf = true;
          setTimeout(() => socket.close({ code: 1012 }), 300);
        });
        server.onMessage((message) => {
          if (!deaf) socket.send(message);
        });
      }),
  });
  const grace = await site.open({ room: "lost", name: "grace" });
  await say(ada, "said once");
  await hears(grace, "said once");
  await hears(ada, "said once");
  assert.equal(cut, true);
  await say(ada, "end");
  for (const page of [ada, grace]) {
    await hears(page, "end");
    assert.deepEqual((await conversation(page)).map(({ text }) => text), ["said once", "end"]);
  }
});

test("what was said meanwhile is there after a cut, without a gap or a repeat", async () => {
  const sockets = [];
  const ada = await site.open({
    room: "cut",
    name: "ada",
    prepare: (page) =>
      page.routeWebSocket(/\/ws\?/, (socket) => {
        socket.connectToServer();
        sockets.push(socket);
      }),
  });
  const grace = await site.open({ room: "cut", name: "grace" });
  const texts = ["one", "two", "three", "four"];
  await say(grace, texts[0]);
  await hears(ada, texts[0]);
  await sockets.at(-1).close({ code: 1012 });
  for (const text of texts.slice(1)) await say(grace, text);
  await hears(ada, texts.at(-1));
  assert.deepEqual((await conversation(ada)).map(({ text }) => text), texts);
  assert.equal(await ada.getByText("Some messages may be missing").count(), 0);
});

test("a connection gone silent is asked and then replaced", async () => {
  let deaf = false;
  const sent = [];
  const ada = await site.open({
    room: "silent",
    name: "ada",
    prepare: async (page) => {
      await page.clock.install();
      await page.routeWebSocket(/\/ws\?/, (socket) => {
        const server = socket.connectToServer();
        let lost = false;
        // Whatever still comes, the leaving of the page's first connection say, would break the silence.
        const passes = () => !(lost ||= deaf);
        socket.onMessage((message) => {
          sent.push(JSON.parse(message).type);
          if (passes()) server.send(message);
        });
        server.onMessage((message) => {
          if (passes()) socket.send(message);
        });
      });
    },
  });
  deaf = true;
  await ada.clock.fastForward(30_500);
  await ada.waitForFunction(() => document.querySelector("#status").dataset.state === "connected");
  assert.deepEqual(sent, ["ping"]);
  deaf = false;
  const welcomed = ada.waitForEvent("websocket");
  await ada.clock.fastForward(10_500);
  await welcomed;
  await connected(ada);
  await say(ada, "heard again");
  await hears(ada, "heard again");
});

test("a close for breaking the rules says why and waits for the reader", async () => {
  const sockets = [];
  const ada = await site.open({
    room: "policy",
    prepare: (page) =>
      page.routeWebSocket(/\/ws\?/, (socket) => {
        socket.connectToServer();
        sockets.push(socket);
      }),
  });
  await sockets.at(-1).close({ code: 1008, reason: "too much abuse" });
  await ada.waitForSelector("#status[data-state=refused]");
  assert.match(await ada.textContent("#notice"), /against its rules \(too much abuse\)/);
  await ada.click("#reconnect");
  await connected(ada);
});

test("a picture dropped while the server is away is turned after its return", async () => {
  const page = await site.open();
  await site.stopServer();
  await page.waitForSelector("#status[data-state=waiting]");
  await drop(page, { name: "patient.png", type: "image/png", bytes: png(8, 8, () => [1, 2, 3, 255]) });
  await page.waitForSelector(".negative-card[data-state=queued]");
  await site.startServerAgain();
  await developed(page);
});
