// The Socket.IO project's own clients, the oldest of this protocol and the
// newest, by each transport.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { io as newest } from "socket.io-client";
import { io as oldest } from "socket.io-client-4.0.0";
import { Server } from "../browser/server.mjs";

const DEADLINE = { timeout: 30_000 };
const MESSAGES = 1_000;
const CLIENTS = { "4.0.0": oldest, "4.8.4": newest };
const TRANSPORTS = {
  "polling only": { transports: ["polling"] },
  "websocket only": { transports: ["websocket"] },
  "upgrade": {},
};
/** A picture of one white pixel, and of one black. */
const WHITE = Buffer.from("R0lGODdhAQABAIABAP///wAAACwAAAAAAQABAAACAkQBADs=", "base64");

let server;
const sockets = new Set();

before(async () => {
  server = await Server.start({ options: ["--no-rate-limit"] });
});
after(async () => {
  for (const socket of sockets) socket.close();
  await server?.stop();
});

/** A socket that has entered; closed by `using`'s elder brother, the caller. */
async function enter(io, options) {
  const socket = io(server.url, { forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200, ...options });
  sockets.add(socket);
  const latest = once(socket, "messages");
  await once(socket, "connect");
  await latest;
  return socket;
}

function leave(...leaving) {
  for (const socket of leaving) {
    sockets.delete(socket);
    socket.close();
  }
}

/** The first `count` values of an event, in their order. */
function collect(socket, event, count) {
  return new Promise((resolve) => {
    const heard = [];
    socket.on(event, function hear(value) {
      heard.push(value);
      if (heard.length < count) return;
      socket.off(event, hear);
      resolve(heard);
    });
  });
}

for (const [version, io] of Object.entries(CLIENTS)) {
  for (const [way, options] of Object.entries(TRANSPORTS)) {
    test(`socket.io-client ${version}, ${way}: every dialect`, DEADLINE, async () => {
      const [ada, silent] = [await enter(io, options), await enter(io, options)];
      for (const [event, sent, answers] of [
        ["newMessage", { name: "ada", text: "<b>" }, { messages: [{ name: "ada", text: "<b>" }] }],
        ["message", { a: [1, "<"] }, { response: { data: 'Server received: {"a":[1,"&lt;"]}' }, "my response": { a: [1, "<"] } }],
        ["receive_msg", { user_name: "ada", message: "<i>" }, { the_response: { user_name: "ada", message: "&lt;i&gt;" } }],
      ]) {
        const hearing = Object.keys(answers).map((answer) => once(ada, answer));
        const overheard = once(silent, "the_response");
        ada.emit(event, sent);
        assert.deepEqual((await Promise.all(hearing)).map(([value]) => value), Object.values(answers));
        await overheard;
      }
      leave(ada, silent);
    });

    test(`socket.io-client ${version}, ${way}: one sender's messages stay in order`, DEADLINE, async () => {
      const [ada, bob] = [await enter(io, options), await enter(io, options)];
      const heard = [collect(ada, "messages", MESSAGES), collect(bob, "messages", MESSAGES)];
      for (let number = 0; number < MESSAGES; number += 1) ada.emit("newMessage", { name: "ada", text: `${number}` });
      const expected = Array.from({ length: MESSAGES }, (_, number) => [{ name: "ada", text: `${number}` }]);
      for (const messages of await Promise.all(heard)) assert.deepEqual(messages, expected);
      leave(ada, bob);
    });

    test(`socket.io-client ${version}, ${way}: pictures, acks, refusals, rooms, namespaces`, DEADLINE, async () => {
      const ada = await enter(io, options);
      const ask = (...event) => new Promise((resolve) => ada.emit(...event, resolve));
      const negative = once(ada, "image");
      const acked = Buffer.from(await ask("image", WHITE));
      assert.deepEqual(Buffer.from((await negative)[0]), acked);
      assert.deepEqual([...acked.subarray(13, 16)], [0, 0, 0], "the first colour of the palette is not inverted");
      const again = once(ada, "image");
      ada.emit("message", acked);
      assert.deepEqual(Buffer.from((await again)[0]), WHITE);
      const refused = once(ada, "refused");
      assert.equal((await ask("nonsense", 1)).code, "unknown_type");
      assert.equal((await refused)[0].event, "nonsense");
      const joined = await ask("join", { username: "ada", room: "den" });
      assert.deepEqual([joined.room, joined.name, joined.offset], ["den", "ada", joined.head]);
      const stored = await ask("receive_msg", { user_name: "ada", message: "hei", room: "den" });
      assert.deepEqual(stored, { offset: joined.head + 1, epoch: joined.epoch });
      const admin = io(`${server.url}admin`, { forceNew: true, ...options });
      sockets.add(admin);
      assert.equal((await once(admin, "connect_error"))[0].message, "Invalid namespace");
      leave(ada, admin);
    });
  }

  test(`socket.io-client ${version} has upgraded when it may, and says only once what was said meanwhile`, DEADLINE, async () => {
    const ada = await enter(io, {});
    const heard = collect(ada, "messages", 100);
    for (let number = 0; number < 100; number += 1) {
      ada.emit("newMessage", { name: "ada", text: `${number}` });
      if (number % 10 === 0) await new Promise(setImmediate);
    }
    if (ada.io.engine.transport.name !== "websocket") await once(ada.io.engine, "upgrade");
    assert.deepEqual((await heard).map(([message]) => message.text), Array.from({ length: 100 }, (_, n) => `${n}`));
    leave(ada);
  });
}

test("a client that reads nothing for too long loses its transport, and comes back by itself", DEADLINE, async () => {
  const narrow = await Server.start({
    options: ["--no-rate-limit", "--tape-tail-max", "512KiB", "--raw-message-max", "64KiB"],
  });
  const slow = newest(narrow.url, { transports: ["websocket"], reconnectionDelay: 50, reconnectionDelayMax: 200 });
  try {
    await Promise.all([once(slow, "connect"), once(slow, "messages")]);
    const { ws } = slow.io.engine.transport;
    ws.pause();
    const say = (text) =>
      fetch(`${narrow.url}rooms/lobby/messages`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: "ada", text }),
      });
    // More than the tail and the buffers of both sockets hold.
    const flood = async () => {
      for (let number = 0; number < 100; number += 1) assert.equal((await say("x".repeat(16_000))).status, 201);
    };
    await Promise.all(Array.from({ length: 10 }, flood));
    const disconnected = once(slow, "disconnect");
    const back = once(slow, "connect");
    ws.resume();
    assert.equal((await disconnected)[0], "transport close");
    await back;
    const heard = new Promise((resolve) => {
      slow.on("messages", (messages) => messages.at(-1).text === "after" && resolve());
    });
    await say("after");
    await heard;
  } finally {
    slow.close();
    await narrow.stop();
  }
});

test("all clients come back after a restart of the server, by the transport they had", DEADLINE, async () => {
  const coming = [];
  for (const io of Object.values(CLIENTS)) {
    for (const options of Object.values(TRANSPORTS)) coming.push(await enter(io, options));
  }
  const back = coming.map(async (socket) => {
    await once(socket, "disconnect");
    await once(socket, "connect");
  });
  const { port } = server;
  await server.stop();
  server = await Server.start({ port, options: ["--no-rate-limit"] });
  await Promise.all(back);
  const heard = coming.map((socket) => once(socket, "messages"));
  coming[0].emit("newMessage", { name: "ada", text: "back" });
  for (const [messages] of await Promise.all(heard)) assert.equal(messages.at(-1)?.text ?? "back", "back");
  leave(...coming);
});
