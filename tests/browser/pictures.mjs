// Ways to give pictures to the page, and to read what it shows, pixel by pixel.

import assert from "node:assert/strict";

/** A file as it lies in a transfer of the page: dropped or pasted. */
async function transfer(page, file) {
  return page.evaluateHandle(({ name, type, base64 }) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const made = new DataTransfer();
    made.items.add(new File([bytes], name, { type }));
    return made;
  }, { name: file.name, type: file.type, base64: file.bytes.toString("base64") });
}

/** @param {{name: string, type: string, bytes: Buffer}} file dropped onto the page's middle */
export async function drop(page, file) {
  const dataTransfer = await transfer(page, file);
  for (const event of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("#scroller", event, { dataTransfer });
}

/** @param {{name: string, type: string, bytes: Buffer}} file pasted into the message field */
export async function paste(page, file) {
  const clipboardData = await transfer(page, file);
  await page.evaluate((data) => {
    const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    document.querySelector("#text").dispatchEvent(event);
  }, clipboardData);
}

/** Waits for the newest card to be developed; a failed one fails the test with its words. */
export async function developed(page) {
  const card = page.locator(".negative-card").first();
  await page.locator(".negative-card:first-child:is([data-state=done], [data-state=failed])").waitFor();
  assert.equal(await card.locator(".fault").textContent(), "");
  return card;
}

/** @returns {Promise<{width: number, height: number, rgba: number[]}>} an image element's pixels, at full size */
export async function pixels(image) {
  return image.evaluate(async (img) => {
    await img.decode();
    const { naturalWidth: width, naturalHeight: height } = img;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    context.drawImage(img, 0, 0);
    return { width, height, rgba: [...context.getImageData(0, 0, width, height).data] };
  });
}

/**
 * @returns {{largest: number, mean: number, alpha: number}} how far `negative`
 *   is from being the exact negative of `original`: colours where something is
 *   to be seen, and transparency everywhere
 */
export function distance(original, negative) {
  const off = { largest: 0, sum: 0, samples: 0, alpha: 0 };
  for (let at = 0; at < original.rgba.length; at += 4) {
    off.alpha = Math.max(off.alpha, Math.abs(original.rgba[at + 3] - negative.rgba[at + 3]));
    if (original.rgba[at + 3] === 0) continue;
    for (let channel = at; channel < at + 3; channel += 1) {
      const error = Math.abs(255 - original.rgba[channel] - negative.rgba[channel]);
      off.largest = Math.max(off.largest, error);
      off.sum += error;
      off.samples += 1;
    }
  }
  return { largest: off.largest, mean: off.sum / off.samples, alpha: off.alpha };
}
