// Sends pictures to the image door and hands their negatives back, in order,
// a few under way at a time. Opens the socket when it is first needed, lets it
// go when idle, and sends again what a broken connection has swallowed. Knows
// no page and nothing of what is in the bytes.

import { Backoff } from "./backoff.js";

const UNDER_WAY_MAX = 4;
const TRIES_MAX = 3;
const IDLE_MS = 60_000;
/** Without a byte sent or an answer heard for so long, the connection is held for dead. */
const STALL_MS = 45_000;
const STALL_CHECK_MS = 5_000;

/** Why a picture has no negative; `code` as at the server, or "lost", "unreadable". */
export class ImageError extends Error {
  /** @param {string} code @param {string} [message] */
  constructor(code, message = code) {
    super(message);
    this.code = code;
  }
}

/**
 * @typedef {object} Job
 * @property {() => Promise<ArrayBuffer>} read called when it is this picture's turn
 * @property {() => void} onSent it has left the queue
 * @property {(bytes: ArrayBuffer, roundTripMs: number) => void} onNegative
 * @property {(error: ImageError) => void} onError
 */

export class ImageSocket {
  /** @type {WebSocket | null} */
  #ws = null;
  #backoff = new Backoff();
  /** @type {(Job & {tries: number, sentAt: number})[]} not sent yet */
  #queue = [];
  /** Sent and not answered, the oldest first. */
  #underWay = [];
  #feeding = false;
  #waiting = 0;
  #idle = 0;
  #stallCheck = 0;
  #progressAt = 0;
  #buffered = 0;

  constructor() {
    addEventListener("online", () => this.#waiting !== 0 && this.#open());
  }

  /** @param {Job} job */
  submit(job) {
    this.#queue.push(Object.assign(job, { tries: 0, sentAt: 0 }));
    this.#work();
  }

  /** @param {Job} job leaves the queue; one under way must keep its place in the order of answers */
  cancel(job) {
    this.#queue = this.#queue.filter((other) => other !== job);
  }

  #work() {
    clearTimeout(this.#idle);
    if (this.#queue.length + this.#underWay.length === 0) {
      this.#idle = setTimeout(() => this.#drop(), IDLE_MS);
    } else if (this.#ws === null) {
      if (this.#waiting === 0) this.#open();
    } else this.#feed();
  }

  // One loop at a time: files are read one by one, in the order of the queue.
  async #feed() {
    if (this.#feeding) return;
    this.#feeding = true;
    while (this.#queue.length > 0 && this.#underWay.length < UNDER_WAY_MAX && this.#isOpen()) {
      const job = this.#queue[0];
      const bytes = await job.read().catch(() => null);
      // Meanwhile the job may have been cancelled, or the socket lost.
      if (this.#queue[0] !== job || !this.#isOpen()) continue;
      if (bytes === null) {
        this.#queue.shift();
        job.onError(new ImageError("unreadable"));
      } else this.#send(job, bytes);
    }
    this.#feeding = false;
    if (this.#queue.length + this.#underWay.length === 0) this.#work();
  }

  #isOpen() {
    return this.#ws?.readyState === WebSocket.OPEN;
  }

  #send(job, bytes) {
    this.#queue.shift();
    this.#underWay.push(job);
    job.tries += 1;
    job.sentAt = performance.now();
    this.#progressAt = job.sentAt;
    this.#ws.send(bytes);
    job.onSent();
  }

  #open() {
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    const url = new URL("ws/image", new URL(".", location.href));
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const ws = new WebSocket(url);
    ws.binaryType = "arraybuffer";
    this.#ws = ws;
    this.#progressAt = performance.now();
    this.#stallCheck = setInterval(() => this.#checkStall(), STALL_CHECK_MS);
    const ifPresent = (react) => (event) => this.#ws === ws && react(event);
    ws.onopen = ifPresent(() => this.#work());
    ws.onmessage = ifPresent((event) => this.#answered(event.data));
    ws.onclose = ifPresent(() => this.#closed());
  }

  #answered(data) {
    const job = this.#underWay.shift();
    if (!job) return;
    this.#backoff.reset();
    this.#progressAt = performance.now();
    if (typeof data === "string") job.onError(errorOf(data));
    else job.onNegative(data, this.#progressAt - job.sentAt);
    this.#work();
  }

  #checkStall() {
    const busy = this.#underWay.length > 0 || !this.#isOpen();
    if (!busy || this.#ws.bufferedAmount < this.#buffered) this.#progressAt = performance.now();
    this.#buffered = this.#ws.bufferedAmount;
    if (performance.now() - this.#progressAt > STALL_MS) this.#closed();
  }

  #closed() {
    this.#drop();
    const lost = this.#underWay;
    this.#underWay = [];
    // A picture that breaks the connection each time must not do so for ever.
    for (const job of lost.filter(({ tries }) => tries >= TRIES_MAX)) job.onError(new ImageError("lost"));
    this.#queue.unshift(...lost.filter(({ tries }) => tries < TRIES_MAX));
    if (this.#queue.length > 0) this.#waiting = setTimeout(() => this.#open(), this.#backoff.next());
  }

  #drop() {
    clearInterval(this.#stallCheck);
    this.#ws?.close();
    this.#ws = null;
    this.#buffered = 0;
  }
}

function errorOf(text) {
  try {
    const { code, message } = JSON.parse(text).error;
    return new ImageError(String(code), String(message ?? code));
  } catch {
    return new ImageError("unknown", "the server's answer could not be read");
  }
}
