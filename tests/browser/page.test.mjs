// The page as such: narrow screens, the keyboard, themes, and its own policy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { developed, drop } from "./pictures.mjs";
import { png } from "./png.mjs";
import { Site, hears, say } from "./site.mjs";

const site = Site.forThisFile();

for (const width of [320, 360, 768]) {
  test(`nothing scrolls sideways at ${width} pixels`, async () => {
    const options = { viewport: { width, height: 700 }, hasTouch: true, isMobile: true };
    const page = await site.open({ room: "narrow", name: "a-rather-long-name-of-somebody" }, options);
    await say(page, `unbroken${"x".repeat(300)}`);
    await drop(page, { name: `${"long".repeat(30)}.png`, type: "image/png", bytes: png(300, 90, () => [9, 9, 9, 255]) });
    await developed(page);
    for (const view of ["table", "chat"]) {
      await page.click(`#show-${view}`);
      const wider = await page.evaluate(() =>
        [document.documentElement, document.querySelector("#scroller"), document.querySelector("#table")]
          .filter((box) => box.scrollWidth > box.clientWidth)
          .map((box) => `${box.tagName}#${box.id}: ${box.scrollWidth} > ${box.clientWidth}`),
      );
      assert.deepEqual(wider, []);
      assert.equal(await page.isVisible("#text"), view === "chat");
      assert.equal(await page.isVisible(".stage"), view === "table");
    }
  });
}

test("the keyboard alone is enough to send a message", async () => {
  const page = await site.open({ room: "keys" });
  await tabTo(page, "text");
  await page.keyboard.type("typed without a mouse");
  await page.keyboard.press("Enter");
  await hears(page, "typed without a mouse");
});

test("the focus can be seen wherever the keyboard goes", async () => {
  const page = await site.open();
  const unseen = [];
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    const id = await page.evaluate(() => {
      const at = document.activeElement;
      const marked = [at, at.nextElementSibling, at.parentElement].filter(Boolean);
      return marked.some((box) => getComputedStyle(box).outlineStyle === "solid") ? null : at.id || at.tagName;
    });
    if (id !== null && id !== "BODY") unseen.push(id);
  }
  assert.deepEqual(unseen, []);
});

test("every control has a name", async () => {
  const page = await site.open();
  await drop(page, { name: "named.png", type: "image/png", bytes: png(8, 8, () => [1, 2, 3, 255]) });
  await developed(page);
  const nameless = await page.locator("button:visible, input:visible, textarea:visible, [role=slider]").evaluateAll(
    (controls) =>
      controls
        .filter((control) => {
          const label = control.labels?.[0]?.textContent ?? "";
          return `${control.ariaLabel ?? ""}${label}${control.textContent}`.trim() === "";
        })
        .map((control) => control.outerHTML),
  );
  assert.deepEqual(nameless, []);
});

test("the theme follows the system until the toggle is used, and is remembered", async () => {
  const page = await site.open({}, { colorScheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.click("#theme");
  assert.equal(await page.getAttribute("html", "data-theme"), "light");
  assert.equal(await ground(), light);
  await page.reload();
  assert.equal(await ground(), light);
  await page.click("#theme");
  assert.equal(await ground(), dark);
});

test("text stands out from its ground in both themes as WCAG AA asks", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await site.open({ room: `contrast-${colorScheme}`, name: "ada" }, { colorScheme });
    await say(page, "hello");
    await hears(page, "hello");
    const ratios = await page.evaluate(contrasts, [
      ["#members", "body"],
      ["#status-words", "body"],
      [".from", "body"],
      [".head time", "body"],
      [".own .bubble", ".own .bubble"],
      ["#send", "#send"],
      [".drop .button", ".drop .button"],
      [".drop p", ".drop .frame"],
    ]);
    for (const [what, ratio] of Object.entries(ratios)) assert.ok(ratio >= 4.5, `${colorScheme} ${what}: ${ratio}`);
  }
});

test("the policy of the page forbids inline code and foreign sources", async () => {
  const response = await fetch(site.server.url, { headers: { accept: "text/html" } });
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/);
  const html = await response.text();
  assert.doesNotMatch(html, /\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)/);
});

test("every file that the page names is there", async () => {
  const html = await (await fetch(site.server.url, { headers: { accept: "text/html" } })).text();
  const files = [...html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path]) => path);
  assert.ok(files.includes("assets/manifest.webmanifest"), files.join(" "));
  for (const file of files) assert.equal((await fetch(new URL(file, site.server.url))).status, 200, file);
});

async function tabTo(page, id) {
  for (let step = 0; step < 20; step += 1) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate(() => document.activeElement?.id)) === id) return;
  }
  assert.fail(`#${id} cannot be reached by Tab`);
}

// Runs in the page. Colours of any notation become bytes by painting them.
function contrasts(pairs) {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    // WCAG 2.2, relative luminance.
    const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map((byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  return Object.fromEntries(
    pairs.map(([text, ground]) => {
      const ink = luminance(getComputedStyle(document.querySelector(text)).color);
      const paper = luminance(getComputedStyle(document.querySelector(ground)).backgroundColor);
      return [text, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)];
    }),
  );
}
