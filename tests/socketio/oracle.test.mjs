// The same packets to the reference server of the Socket.IO project and to
// ours: both answer the same, statuses, packets and closes.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Server as Reference } from "socket.io";
import { WebSocket } from "ws";
import { Server } from "../browser/server.mjs";

const DEADLINE = { timeout: 30_000 };
const MAX_PAYLOAD = 8 * 1024 * 1024;

let ours;
let reference;
let http;

before(async () => {
  ours = await Server.start({ options: ["--no-rate-limit"] });
  http = createServer().listen(0, "127.0.0.1");
  reference = new Reference(http, { maxHttpBufferSize: MAX_PAYLOAD, httpCompression: false });
  // What ours does with the events of these scripts.
  reference.on("connection", (socket) => {
    socket.emit("messages", []);
    socket.on("message", (value) => {
      socket.emit("response", { data: `Server received: ${typeof value === "string" ? value : JSON.stringify(value)}` });
      socket.emit("my response", value);
    });
  });
  await once(http, "listening");
});
after(async () => {
  await ours?.stop();
  await reference?.close();
});

const bases = () => ({ ours: ours.url, reference: `http://127.0.0.1:${http.address().port}/` });

/** Runs a script against both and compares what it returns. */
async function compare(script) {
  const { ours: url, reference: other } = bases();
  assert.deepEqual(await script(url), await script(other));
}

/** Ids are random, and only ours remembers what was said. */
const anonymous = (text) => text.replace(/"sid":"[^"]+"/g, '"sid":"…"').replace(/\["messages",.*\]/, '["messages",…]');

for (const [what, query, options] of [
  ["a handshake", "EIO=4&transport=polling"],
  ["no version", "transport=polling"],
  ["version 3", "EIO=3&transport=polling"],
  ["an unknown version", "EIO=abc&transport=polling"],
  ["no transport", "EIO=4"],
  ["an unknown transport", "EIO=4&transport=abc"],
  ["an unknown session", "EIO=4&transport=polling&sid=unknown"],
  ["a handshake by POST", "EIO=4&transport=polling", { method: "POST", body: "40" }],
  ["a handshake by PUT", "EIO=4&transport=polling", { method: "PUT" }],
  ["words for caches", "EIO=4&transport=polling&t=abc&b64=1"],
]) {
  test(`polling: ${what}`, DEADLINE, () =>
    compare(async (url) => {
      const response = await fetch(`${url}socket.io/?${query}`, options);
      return [response.status, response.headers.get("content-type").toLowerCase(), anonymous(await response.text())];
    }),
  );
}

/** A polling session: the status of its last step. */
async function poll(url, steps) {
  const path = `${url}socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1));
  let status;
  for (const step of steps) {
    const options = step === "GET" ? {} : { method: "POST", body: step };
    // A server may also cut the connection of who sends what is no packet.
    ({ status } = await fetch(`${path}&sid=${sid}`, options).catch(() => ({ status: "cut" })));
  }
  return status;
}

for (const [what, steps] of [
  ["what is no packet", ["abc", "GET"]],
  ["a client that closes", ["1", "GET"]],
]) {
  test(`polling: ${what} ends the session`, DEADLINE, () =>
    compare((url) => poll(url, steps)),
  );
}

/** A WebSocket: what comes until `until` packets are there, or the close. */
async function talk(url, messages, until) {
  const socket = new WebSocket(`${url.replace("http", "ws")}socket.io/?EIO=4&transport=websocket`);
  const came = [];
  const ended = new Promise((resolve) => {
    socket.on("message", (data, isBinary) => {
      came.push(isBinary ? data.toString("hex") : anonymous(data.toString()));
      if (came.length === until) resolve();
    });
    socket.on("close", () => {
      came.push("closed");
      resolve();
    });
  });
  await once(socket, "open");
  for (const message of messages) {
    socket.send(message);
    // The reference enters in its own time, and closes on events that come before.
    while (`${message}`.startsWith("40{") || message === "40") {
      if (came.some((packet) => packet.includes("messages"))) break;
      await once(socket, "message");
    }
  }
  await ended;
  const all = came.slice();
  socket.terminate();
  return all;
}

for (const [what, messages, until] of [
  ["CONNECT", ["40"], 3],
  ["CONNECT with a payload", ['40{"token":"1"}'], 3],
  ["an unknown namespace", ["40/random", '40/other,{"a":1}'], 3],
  ["an event", ["40", '42["message","x"]'], 5],
  ["an object", ["40", '42["message",{"a":[1,null]}]'], 5],
  ["an ack that nobody asked for", ["40", '430["x"]', '42["message","x"]'], 5],
  ["an event before CONNECT", ['42["message","x"]'], Infinity],
  ["an unknown kind", ["40", "4abc"], Infinity],
  ["an unknown kind first", ["4abc"], Infinity],
  ["an unknown Engine.IO packet", ["abc"], Infinity],
  ["a payload that is no array", ["40", "42{}"], Infinity],
  ["an ack id that is none", ["40", '42abc["message","x"]'], Infinity],
  ["a reserved event", ["40", '42["disconnect"]'], Infinity],
  ["a CONNECT with an array", ["40[]"], Infinity],
  ["a DISCONNECT with a payload", ["40", "41{}"], Infinity],
  ["text where an attachment is due", ["40", '451-["message",{"_placeholder":true,"num":0}]', '42["message","x"]'], Infinity],
  ["bytes that nothing announced", ["40", Buffer.from([1, 2, 3])], Infinity],
  ["attachments without a number", ["40", '45["message","x"]'], Infinity],
  ["a namespace that was not entered", ["40", '42/admin,["message","x"]'], Infinity],
  ["a message above maxPayload", ["40", `4${"x".repeat(MAX_PAYLOAD)}`], Infinity],
]) {
  test(`websocket: ${what}`, DEADLINE, () =>
    compare(async (url) => {
      const came = await talk(url, messages, until);
      // Before a close, the order of goodbye and answers is each server's own.
      return until === Infinity ? came.at(-1) : came;
    }),
  );
}

for (const query of ["transport=websocket", "EIO=3&transport=websocket", "EIO=4", "EIO=4&transport=websocket&sid=unknown"]) {
  test(`websocket: ${query} is not let in`, DEADLINE, () =>
    compare(async (url) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}socket.io/?${query}`);
      // Ours says so before the upgrade, the reference with some versions after it.
      return (await Promise.race([once(socket, "error"), once(socket, "close")])).length > 0;
    }),
  );
}

test("a parked poll is let go while the client probes, and the session moves", DEADLINE, () =>
  compare(async (url) => {
    const path = `${url}socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1));
    const parked = fetch(`${path}&sid=${sid}`).then((response) => response.text());
    const socket = new WebSocket(`${url.replace("http", "ws")}socket.io/?EIO=4&transport=websocket&sid=${sid}`);
    await once(socket, "open");
    const came = [];
    socket.send("2probe");
    came.push(`${(await once(socket, "message"))[0]}`, await parked);
    socket.send("5");
    socket.send("40");
    came.push(anonymous(`${(await once(socket, "message"))[0]}`));
    came.push((await fetch(`${path}&sid=${sid}`)).status);
    socket.terminate();
    return came;
  }),
);
