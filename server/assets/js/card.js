// One picture on the table: queued, under way, developed, or failed. Owns the
// object URLs of its two pictures and revokes them when it is taken away.

import { announce, fromTemplate } from "./dom.js";
import { humanBytes, kindOf, negativeName } from "./format.js";
import { startSlider } from "./slider.js";
import { imageWords, worthRetrying } from "./words.js";

const SMALL_PX = 128;

/**
 * @typedef {object} CardEvents
 * @property {(card: Card) => void} onRemove
 * @property {(card: Card) => void} onRetry
 * @property {(card: Card) => Promise<void>} onShare fails with an Error that has a `code`
 */

export class Card {
  #events;
  #negative = null;
  #urls = [];

  /**
   * @param {File} file
   * @param {number} frame its number on the film
   * @param {CardEvents} events
   */
  constructor(file, frame, events) {
    this.file = file;
    this.#events = events;
    this.element = fromTemplate("card-template");
    this.element.setAttribute("aria-label", `Picture ${fileNameOf(file)}`);
    this.#part(".file-name").textContent = fileNameOf(file);
    this.#part(".file-name").title = fileNameOf(file);
    this.#part(".frame-number").textContent = `${frame}A`;
    this.#on(".remove", () => events.onRemove(this));
    this.#on(".retry", () => events.onRetry(this));
    this.#on(".share", () => this.#share());
    this.#on(".copy", () => this.#copy());
    this.queued();
  }

  /** @returns {"queued" | "sent" | "done" | "failed"} */
  get state() {
    return this.element.dataset.state;
  }

  /** It waits for its turn. */
  queued() {
    this.element.dataset.state = "queued";
    delete this.element.dataset.code;
    this.#part(".progress").textContent = "In the queue";
  }

  /** It is at the server. */
  sent() {
    this.element.dataset.state = "sent";
    this.#part(".progress").textContent = "Developing…";
  }

  /**
   * @param {ArrayBuffer} bytes
   * @param {number} roundTripMs
   * @returns {Promise<void>} when it can be seen
   */
  async developed(bytes, roundTripMs) {
    const kind = kindOf(bytes);
    const name = fileNameOf(this.file);
    this.#negative = new Blob([bytes], { type: kind.type });
    const originalUrl = this.#urlOf(new Blob([this.file], { type: kind.type }));
    const negativeUrl = this.#urlOf(this.#negative);
    const download = this.#part(".download");
    download.href = negativeUrl;
    download.download = negativeName(name, kind.extension);
    this.#part(".kind").textContent = kind.name;
    this.#part(".bytes").textContent = `${humanBytes(this.file.size)} → ${humanBytes(bytes.byteLength)}`;
    this.#part(".round-trip").textContent = `${roundTripMs < 10 ? roundTripMs.toFixed(1) : Math.round(roundTripMs)} ms`;
    startSlider(this.#part(".stage"), this.#part("[role=slider]"));
    this.#part(".size").textContent = await this.#show(originalUrl, negativeUrl);
    this.element.dataset.state = "done";
    announce(`The negative of ${name} is ready`);
  }

  /** @param {{code: string, message: string}} error */
  failed(error) {
    this.element.dataset.state = "failed";
    const words = imageWords(error.code, error.message);
    this.element.dataset.code = error.code;
    this.#part(".fault").textContent = words;
    this.#part(".retry").hidden = !worthRetrying(error.code);
    announce(`${fileNameOf(this.file)}: ${words}`);
  }

  /** Takes the card off the page and gives its memory back. */
  remove() {
    this.element.remove();
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
  }

  // Gives the size in words, or why there is nothing to see.
  async #show(originalUrl, negativeUrl) {
    const original = this.#part("img.original");
    const negative = this.#part("img.negative");
    original.alt = `${fileNameOf(this.file)}, the original`;
    negative.alt = `${fileNameOf(this.file)}, the negative`;
    try {
      await Promise.all([load(original, originalUrl), load(negative, negativeUrl)]);
    } catch {
      this.element.dataset.unshown = "";
      return "not shown by this browser, but the download works";
    }
    const { naturalWidth: width, naturalHeight: height } = original;
    const stage = this.#part(".stage");
    stage.style.setProperty("--ratio", String(width / height));
    // Blown-up small pictures keep their pixels sharp.
    stage.toggleAttribute("data-small", width < SMALL_PX);
    return `${width}×${height}`;
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  #on(selector, react) {
    this.#part(selector).addEventListener("click", react);
  }

  #urlOf(blob) {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }

  async #share() {
    const button = this.#part(".share");
    button.disabled = true;
    this.#label(".share", "Sharing…");
    try {
      await this.#events.onShare(this);
      this.#label(".share", "Shared");
    } catch (error) {
      button.disabled = false;
      this.#label(".share", "Share");
      this.#say(error.code ? imageWords(error.code, error.message) : "The server could not be reached.");
    }
  }

  async #copy() {
    try {
      // The clipboard of browsers takes PNG alone; made within the click, or Safari refuses.
      await navigator.clipboard.write([new ClipboardItem({ "image/png": asPng(this.#negative) })]);
      this.#label(".copy", "Copied");
      setTimeout(() => this.#label(".copy", "Copy"), 2_000);
    } catch {
      this.#say("This browser does not let the page copy pictures here. The download works.");
    }
  }

  #label(selector, text) {
    this.#part(`${selector} .label`).textContent = text;
  }

  #say(text) {
    this.#part(".said").textContent = text;
    announce(text);
  }
}

function fileNameOf(file) {
  return file.name || "picture";
}

function load(img, url) {
  img.src = url;
  return img.decode();
}

async function asPng(blob) {
  if (blob.type === "image/png") return blob;
  const bitmap = await createImageBitmap(blob);
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((png) => (png ? resolve(png) : reject(new Error("the canvas gave no picture"))), "image/png");
  });
}
