// The table on which pictures lie: takes files in, sends them to be turned,
// keeps their cards, the newest on top, and bounds how many there are.

import { Card } from "./card.js";
import { byId, notice } from "./dom.js";
import { counted } from "./format.js";
import { ImageError, ImageSocket } from "./image-socket.js";

const FILE_MAX_BYTES = 32 * 1024 * 1024;
const CARDS_MAX = 100;

export class Table {
  #socket = new ImageSocket();
  /** @type {Map<Card, object>} each with its job, the oldest first */
  #cards = new Map();
  #frame = 0;
  #onShare;

  /** @param {(original: File) => Promise<void>} onShare */
  constructor(onShare) {
    this.#onShare = onShare;
    byId("clear").addEventListener("click", () => this.#clear());
    this.#showCounts();
  }

  /** @param {File[]} files */
  take(files) {
    const room = CARDS_MAX - this.#unfinished();
    if (files.length > room) notice(`Up to ${CARDS_MAX} pictures can wait at once; the rest was left out.`);
    for (const file of files.slice(0, room)) this.#add(file);
    this.#trim();
    this.#showCounts();
  }

  #add(file) {
    this.#frame += 1;
    const card = new Card(file, this.#frame, {
      onRemove: () => {
        const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
        this.#remove(card);
        // Else the keyboard would be thrown back to the top of the page.
        (next?.querySelector(".remove") ?? byId("pick")).focus();
      },
      onRetry: () => this.#submit(card),
      onShare: () => this.#onShare(file),
    });
    byId("cards").prepend(card.element);
    this.#submit(card);
  }

  #submit(card) {
    card.queued();
    const { file } = card;
    const job = {
      read: () => file.arrayBuffer(),
      onSent: () => this.#change(card, () => card.sent()),
      onNegative: (bytes, roundTripMs) => this.#change(card, () => card.developed(bytes, roundTripMs)),
      onError: (error) => this.#change(card, () => card.failed(error)),
    };
    this.#cards.set(card, job);
    // The server would end the whole connection for this one.
    if (file.size > FILE_MAX_BYTES) card.failed(new ImageError("image_too_large"));
    else this.#socket.submit(job);
    this.#showCounts();
  }

  async #change(card, change) {
    // A card that was taken away while under way must not take memory again.
    if (!this.#cards.has(card)) return;
    await change();
    this.#showCounts();
  }

  #remove(card) {
    this.#socket.cancel(this.#cards.get(card));
    this.#cards.delete(card);
    card.remove();
    this.#showCounts();
  }

  #clear() {
    for (const card of [...this.#cards.keys()]) this.#remove(card);
    byId("pick").focus();
  }

  // The oldest finished ones go first, with the memory they hold.
  #trim() {
    for (const card of [...this.#cards.keys()]) {
      if (this.#cards.size <= CARDS_MAX) return;
      if (card.state === "done" || card.state === "failed") this.#remove(card);
    }
  }

  #unfinished() {
    return [...this.#cards.keys()].filter(({ state }) => state === "queued" || state === "sent").length;
  }

  #showCounts() {
    const waiting = this.#unfinished();
    byId("table").dataset.empty = String(this.#cards.size === 0);
    byId("queue").textContent = waiting > 0 ? `${counted(waiting, "picture")} under way` : "";
    byId("clear").hidden = this.#cards.size === 0;
    byId("table-count").textContent = this.#cards.size > 0 ? String(this.#cards.size) : "";
  }
}
