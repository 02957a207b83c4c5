// What this tab has said and the server has not yet confirmed. Keeps the
// order, sends again under the same id after every welcome (the server stores
// an id once), and forgets what an ack or the broadcast has confirmed. Knows
// no page and no socket, only how to send.

import { recallList, remember } from "./storage.js";

// Well below the burst that a connection may send at once, since all go out together after a welcome.
const WAITING_MAX = 100;
const OWN_IDS_MAX = 500;

export class Outbox {
  #send;
  /** @type {Map<string, {text: string, failed: boolean}>} in the order of saying */
  #waiting = new Map();
  /** @type {Set<string>} ids of this tab, kept over a reload to recognise own messages */
  #own = new Set(recallList("own", "session"));

  /** @param {(message: object) => boolean} send whether the message was handed to a socket */
  constructor(send) {
    this.#send = send;
  }

  /** @returns {boolean} whether nothing more can be taken in until something was confirmed */
  get full() {
    return this.#waiting.size >= WAITING_MAX;
  }

  /**
   * @param {string} text
   * @returns {string} the id under which the message is known from here on
   */
  say(text) {
    const id = randomId();
    this.#waiting.set(id, { text, failed: false });
    this.#own.add(id);
    this.#rememberOwn();
    this.#send({ type: "chat", text, id });
    return id;
  }

  /** Sends everything unconfirmed again, in order. */
  resend() {
    for (const [id, { text, failed }] of this.#waiting) {
      if (!failed) this.#send({ type: "chat", text, id });
    }
  }

  /** @param {string} id tries a failed one again, under its old id */
  retry(id) {
    const entry = this.#waiting.get(id);
    if (!entry) return;
    entry.failed = false;
    this.#send({ type: "chat", text: entry.text, id });
  }

  /**
   * @param {string} id
   * @returns {boolean} whether it was waiting here
   */
  confirm(id) {
    return this.#waiting.delete(id);
  }

  /**
   * @param {string} id
   * @returns {boolean} whether it was waiting here; it stays, for a retry
   */
  fail(id) {
    const entry = this.#waiting.get(id);
    if (entry) entry.failed = true;
    return entry !== undefined;
  }

  /** @param {string} id @returns {boolean} */
  isOwn(id) {
    return this.#own.has(id);
  }

  /** Forgets what is waiting: the room was left. */
  clear() {
    this.#waiting.clear();
  }

  #rememberOwn() {
    const newest = [...this.#own].slice(-OWN_IDS_MAX);
    this.#own = new Set(newest);
    remember("own", JSON.stringify(newest), "session");
  }
}

// Not crypto.randomUUID: that is missing on plain http away from localhost.
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
