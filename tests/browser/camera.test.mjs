// The live camera, with the browser's own: a moving pattern of its making.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Site } from "./site.mjs";

const site = Site.forThisFile([], ["--use-fake-device-for-media-stream"]);
const ALLOWED = { permissions: ["camera"] };

/** Keeps the page's streams and image sockets in sight, and counts frames under way. */
const watch = (page) =>
  page.addInitScript(() => {
    const seen = { streams: [], sockets: [], underWay: 0, mostUnderWay: 0 };
    window.seen = seen;
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await ask(wanted);
      seen.streams.push(stream);
      return stream;
    };
    const { WebSocket } = window;
    window.WebSocket = class extends WebSocket {
      constructor(url) {
        super(url);
        if (!new URL(url).pathname.endsWith("/ws/image")) return;
        seen.sockets.push(this);
        this.addEventListener("message", () => (seen.underWay -= 1));
        const send = this.send.bind(this);
        this.send = (data) => {
          seen.underWay += 1;
          seen.mostUnderWay = Math.max(seen.mostUnderWay, seen.underWay);
          send(data);
        };
      }
    };
  });

const refuse = (name) => (page) =>
  page.addInitScript((name) => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
  }, name);

async function running(page) {
  await page.click("#camera");
  await page.waitForSelector("#live[data-state=running]");
}

async function failedWith(page, words) {
  await page.waitForSelector("#live[data-state=failed]");
  assert.match(await page.textContent("#live-words"), words);
  assert.equal(await page.textContent("#camera-label"), "Camera");
}

const isLive = () => window.seen.streams.flatMap((stream) => stream.getTracks()).some((track) => track.readyState === "live");
const openSockets = () => window.seen.sockets.filter((socket) => socket.readyState < WebSocket.CLOSING).length;

/** How far one canvas is from being the other's negative; in the page, since so many numbers travel slowly. */
const compareCanvases = () => {
  // Both are drawn in one go, so what is read in one go belongs together.
  const [original, negative] = ["live-original", "live-negative"].map((id) => {
    const canvas = document.getElementById(id);
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  });
  let [sum, least, most] = [0, 255, 0];
  for (let at = 0; at < original.data.length; at += 1) {
    // Every fourth is alpha.
    if (at % 4 === 3) continue;
    sum += Math.abs(255 - original.data[at] - negative.data[at]);
    least = Math.min(least, original.data[at]);
    most = Math.max(most, original.data[at]);
  }
  const sizes = [original, negative].map(({ width, height }) => [width, height]);
  return { sizes, mean: sum / ((original.data.length / 4) * 3), range: most - least };
};

test("what is shown beside the camera's picture is its negative", async () => {
  const page = await site.open({ prepare: watch }, ALLOWED);
  await running(page);
  const { sizes, mean, range } = await page.evaluate(compareCanvases);
  assert.deepEqual(sizes, [[640, 480], [640, 480]]);
  assert.ok(mean <= 4, `${mean}`);
  assert.ok(range > 100, "the picture shows something");
});

test("frames come steadily, a few are under way, and their pace is told", async () => {
  const page = await site.open({ prepare: watch }, ALLOWED);
  await running(page);
  // A program that is built without optimisation makes few.
  await page.waitForFunction(() => Number.parseInt(document.querySelector("#live-rate").textContent, 10) >= 2);
  assert.match(await page.textContent("#live-rate"), /^\d+ frames\/s$/);
  assert.match(await page.textContent("#live-latency"), /^[\d.]+ ms, 95 % within [\d.]+ ms$/);
  assert.match(await page.textContent("#live-size"), /^\d+×\d+$/);
  const { most, after } = await page.evaluate(() => ({ most: window.seen.mostUnderWay, after: window.seen.underWay }));
  assert.ok(most >= 1 && most <= 3 && after <= 3, `${most} under way at most, ${after} at the end`);
});

test("stop lets go of the camera and of the connection, and start works again", async () => {
  const page = await site.open({ prepare: watch }, ALLOWED);
  for (const stop of ["#live-stop", "#camera"]) {
    await running(page);
    assert.equal(await page.textContent("#camera-label"), "Stop camera");
    assert.deepEqual([await page.evaluate(isLive), await page.evaluate(openSockets)], [true, 1]);
    await page.click(stop);
    assert.deepEqual([await page.evaluate(isLive), await page.evaluate(openSockets)], [false, 0]);
    assert.equal(await page.isVisible("#live"), false);
  }
});

test("whoever stops while the browser still asks gets no camera", async () => {
  const page = await site.open({ prepare: watch }, ALLOWED);
  await page.evaluate(() => {
    const button = document.querySelector("#camera");
    button.click();
    button.click();
  });
  await page.waitForFunction(() => window.seen.streams.length === 1);
  await page.waitForFunction(() => window.seen.streams[0].getTracks().every((track) => track.readyState === "ended"));
  assert.equal(await page.evaluate(openSockets), 0);
});

test("without leave the page says so", async () => {
  const page = await site.open();
  await page.click("#camera");
  await failedWith(page, /may not use the camera/);
});

test("without a camera, and with a busy one, the page says so", async () => {
  for (const [name, words] of [["NotFoundError", /No camera was found/], ["NotReadableError", /another program/]]) {
    const page = await site.open({ prepare: refuse(name) });
    await page.click("#camera");
    await failedWith(page, words);
    await page.click("#live-stop");
    assert.equal(await page.isVisible("#live"), false);
  }
});

test("a camera that is unplugged is told, and nothing stays open", async () => {
  const page = await site.open({ prepare: watch }, ALLOWED);
  await running(page);
  await page.evaluate(() => window.seen.streams[0].getTracks()[0].dispatchEvent(new Event("ended")));
  await failedWith(page, /unplugged/);
  assert.deepEqual([await page.evaluate(isLive), await page.evaluate(openSockets)], [false, 0]);
});

for (const [code, state, words] of [["overloaded", "running", /busy/], ["image_broken", "failed", /damaged/]]) {
  test(`what the server says of a frame is shown in plain words: ${code}`, async () => {
    const answer = JSON.stringify({ error: { code, message: code } });
    const prepare = (page) =>
      page.routeWebSocket(/\/ws\/image$/, (socket) => socket.onMessage(() => socket.send(answer)));
    const page = await site.open({ prepare }, ALLOWED);
    await page.click("#camera");
    await page.locator("#live-words", { hasText: words }).waitFor();
    assert.equal(await page.getAttribute("#live", "data-state"), state);
  });
}

for (const width of [320, 430]) {
  test(`the camera fits ${width} pixels`, async () => {
    const page = await site.open({}, { ...ALLOWED, viewport: { width, height: 700 }, hasTouch: true, isMobile: true });
    await page.click("#show-table");
    await running(page);
    const table = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.querySelector("#table");
      return scrollWidth - clientWidth;
    });
    assert.equal(table, 0);
    for (const id of ["live-original", "live-negative"]) assert.ok((await page.locator(`#${id}`).boundingBox()).width > width / 2);
  });
}

test("when the server goes away the camera stops and says so", async () => {
  const page = await site.open({ prepare: watch }, ALLOWED);
  await running(page);
  await site.stopServer();
  await failedWith(page, /broke off/);
  assert.equal(await page.evaluate(isLive), false);
});
