// socket.io.js, the client as pages load it, in a real browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { mustExist } from "./server.mjs";
import { Site } from "./site.mjs";

const DEADLINE = { timeout: 60_000 };
const CLIENT = fileURLToPath(new URL("../socketio/node_modules/socket.io-client/dist/socket.io.js", import.meta.url));
const WAYS = { "polling only": ["polling"], "websocket only": ["websocket"], "upgrade": ["polling", "websocket"] };

const site = Site.forThisFile(["--no-rate-limit"]);

for (const [way, transports] of Object.entries(WAYS)) {
  test(`socket.io.js in a page, ${way}: chat, a picture, an ack`, DEADLINE, async () => {
    // A page of ours lets no script of others in; the page of a user's own server would.
    const context = await site.browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.goto(new URL("health/live", site.server.url).href);
    await page.addScriptTag({ path: mustExist(CLIENT) });
    const heard = await page.evaluate(async (transports) => {
      const socket = globalThis.io({ transports, forceNew: true });
      const next = (event) => new Promise((resolve) => socket.once(event, resolve));
      await Promise.all([next("connect"), next("messages")]);
      const response = next("response");
      const stored = await new Promise((resolve) => socket.emit("message", "<b>hei</b>", resolve));
      const canvas = new OffscreenCanvas(2, 2);
      canvas.getContext("2d").fillRect(0, 0, 2, 2);
      const negative = next("image");
      socket.emit("image", await (await canvas.convertToBlob()).arrayBuffer());
      const picture = await createImageBitmap(new Blob([await negative]));
      const shown = new OffscreenCanvas(2, 2).getContext("2d");
      shown.drawImage(picture, 0, 0);
      const pixel = [...shown.getImageData(1, 1, 1, 1).data];
      if (transports.length > 1 && socket.io.engine.transport.name !== "websocket") {
        await new Promise((resolve) => socket.io.engine.once("upgrade", resolve));
      }
      const transport = socket.io.engine.transport.name;
      const result = { data: (await response).data, hasOffset: stored.offset > 0, pixel, transport };
      socket.close();
      return result;
    }, transports);
    assert.deepEqual(heard, {
      data: "Server received: &lt;b&gt;hei&lt;/b&gt;",
      hasOffset: true,
      pixel: [255, 255, 255, 255],
      transport: transports.at(-1),
    });
    await context.close();
  });
}
