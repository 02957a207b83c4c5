// The same page below a path, as behind a reverse proxy: nothing in it is absolute.

import assert from "node:assert/strict";
import { test } from "node:test";
import { developed, drop, pixels } from "./pictures.mjs";
import { png } from "./png.mjs";
import { Site, hears, say } from "./site.mjs";

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
