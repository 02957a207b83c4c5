// Pictures: dropped, pasted or picked, turned, compared, shared.

import assert from "node:assert/strict";
import { test } from "node:test";
import { developed, distance, drop, paste, pixels } from "./pictures.mjs";
import { png } from "./png.mjs";
import { Site } from "./site.mjs";

const site = Site.forThisFile();

const opaque = (x, y) => [(x * 11) % 256, (y * 17) % 256, (x * y) % 256, 255];
const file = (name, bytes, type = "image/png") => ({ name, type, bytes });

test("a dropped picture gets its exact negative", async () => {
  const page = await site.open();
  await drop(page, file("colours.png", png(40, 30, opaque)));
  const card = await developed(page);
  const original = await pixels(card.locator("img.original"));
  const negative = await pixels(card.locator("img.negative"));
  assert.deepEqual([negative.width, negative.height], [40, 30]);
  assert.deepEqual(original.rgba.slice(0, 4), opaque(0, 0));
  assert.deepEqual(distance(original, negative), { largest: 0, mean: 0, alpha: 0 });
  assert.match(await card.locator(".size").textContent(), /^40×30$/);
  assert.match(await card.locator(".bytes").textContent(), / → /);
  assert.match(await card.locator(".round-trip").textContent(), /^[\d.]+ ms$/);
});

test("what is transparent stays so in the negative", async () => {
  const page = await site.open();
  const alphas = [0, 128, 255];
  await drop(page, file("glass.png", png(30, 20, (x, y) => [x * 8, y * 12, 90, alphas[x % 3]])));
  const card = await developed(page);
  const original = await pixels(card.locator("img.original"));
  const negative = await pixels(card.locator("img.negative"));
  const { largest, alpha } = distance(original, negative);
  assert.equal(alpha, 0);
  assert.deepEqual(alphas, [3, 7, 11].map((at) => negative.rgba[at]));
  // A canvas keeps half transparent colours multiplied by alpha, so two roundings of one step are lost.
  assert.ok(largest <= 2, `${largest}`);
});

test("a pasted picture gets its negative", async () => {
  const page = await site.open();
  await paste(page, file("pasted.png", png(8, 8, opaque)));
  const card = await developed(page);
  const pair = [await pixels(card.locator("img.original")), await pixels(card.locator("img.negative"))];
  assert.equal(distance(...pair).largest, 0);
});

test("a JPEG stays a JPEG and its negative is as near as JPEG allows", async () => {
  const page = await site.open();
  const base64 = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 200;
    canvas.height = 120;
    const context = canvas.getContext("2d");
    const sky = context.createLinearGradient(0, 0, 200, 120);
    sky.addColorStop(0, "#123a6b");
    sky.addColorStop(1, "#e8b06a");
    context.fillStyle = sky;
    context.fillRect(0, 0, 200, 120);
    return canvas.toDataURL("image/jpeg", 0.9).split(",")[1];
  });
  await drop(page, file("sky.jpg", Buffer.from(base64, "base64"), "image/jpeg"));
  const card = await developed(page);
  assert.equal(await card.locator(".kind").textContent(), "JPEG");
  const pair = [await pixels(card.locator("img.original")), await pixels(card.locator("img.negative"))];
  const { largest, mean } = distance(...pair);
  assert.ok(largest <= 16 && mean <= 2, `largest ${largest}, mean ${mean}`);
});

test("several picked pictures all come, each with its own negative", async () => {
  const page = await site.open();
  const files = [10, 20, 30, 40, 50, 60].map((side) => ({
    name: `${side}.png`,
    mimeType: "image/png",
    buffer: png(side, side, (x, y) => [side, x % 256, y % 256, 255]),
  }));
  await page.setInputFiles("#pick", files);
  await page.waitForFunction(() => document.querySelectorAll(".negative-card[data-state=done]").length === 6);
  for (const card of await page.locator(".negative-card").all()) {
    const side = Number.parseInt(await card.locator(".file-name").textContent(), 10);
    const negative = await pixels(card.locator("img.negative"));
    assert.deepEqual([negative.width, negative.rgba[0]], [side, 255 - side]);
  }
});

test("what is not a picture is refused kindly and the next one works", async () => {
  const page = await site.open();
  await drop(page, file("notes.txt", Buffer.from("no picture at all"), "text/plain"));
  const failed = page.locator(".negative-card[data-state=failed]");
  await failed.waitFor();
  assert.equal(await failed.getAttribute("data-code"), "not_an_image");
  assert.equal(await failed.locator(".fault").textContent(), "This does not look like a picture.");
  const whole = png(20, 20, opaque);
  await drop(page, file("cut.png", whole.subarray(0, whole.length - 30)));
  await page.locator(".negative-card[data-code=image_broken]").waitFor();
  await drop(page, file("whole.png", whole));
  await developed(page);
  await failed.first().locator(".remove").click();
  assert.equal(await page.locator(".negative-card[data-state=failed]").count(), 1);
});

test("the download is the negative under its own name", async () => {
  const page = await site.open();
  await drop(page, file("holiday.png", png(8, 8, opaque)));
  const card = await developed(page);
  const [download] = await Promise.all([page.waitForEvent("download"), card.locator(".download").click()]);
  assert.equal(download.suggestedFilename(), "holiday-negative.png");
});

test("a shared picture is seen by the others as its negative", async () => {
  const ada = await site.open({ room: "gallery", name: "ada" });
  const grace = await site.open({ room: "gallery", name: "grace" });
  await drop(ada, file("shared.png", png(24, 16, opaque)));
  const card = await developed(ada);
  const original = await pixels(card.locator("img.original"));
  await card.locator(".share").click();
  const shown = grace.locator("#messages li[data-offset] img");
  await shown.waitFor();
  assert.equal(distance(original, await pixels(shown)).largest, 0);
  assert.equal(await grace.locator("#messages li[data-offset] .from").textContent(), "ada");
  await ada.locator("#messages li.own[data-offset] img").waitFor();
  await card.locator(".share", { hasText: "Shared" }).waitFor();
  assert.equal(await grace.locator("#messages li.own").count(), 0);
});

test("the arrow keys move the divider", async () => {
  const page = await site.open();
  await drop(page, file("slide.png", png(60, 40, opaque)));
  const slider = (await developed(page)).getByRole("slider");
  await slider.focus();
  const value = async () => Number(await slider.getAttribute("aria-valuenow"));
  assert.equal(await value(), 50);
  await slider.press("ArrowRight");
  const right = await value();
  assert.ok(right > 50, `${right}`);
  await slider.press("ArrowLeft");
  await slider.press("ArrowLeft");
  assert.ok((await value()) < 50);
  await slider.press("End");
  assert.equal(await value(), 100);
  await slider.press("Home");
  assert.equal(await value(), 0);
});

test("the pointer drags the divider", async () => {
  const page = await site.open();
  await drop(page, file("drag.png", png(60, 40, opaque)));
  const card = await developed(page);
  const stage = card.locator(".stage");
  await stage.scrollIntoViewIfNeeded();
  const box = await stage.boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width / 2, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 4, y, { steps: 4 });
  await page.mouse.up();
  assert.equal(await card.getByRole("slider").getAttribute("aria-valuenow"), "25");
});
