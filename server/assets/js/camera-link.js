// Frames to the image door and their negatives back, in order. Never a queue:
// whoever sends asks for room first, and takes the newest frame then. What is
// lost with the connection is lost; there will be another frame.

/** Enough to keep the server at work while answers and frames travel. */
const UNDER_WAY_MAX = 3;
/** Frames under way and no answer for so long: the connection is held for dead. */
const STALL_MS = 15_000;
/** When the server says that it is busy, it is left alone for so long. */
const PAUSE_MS = 1_000;
const WAIT_WORTH = ["overloaded", "rate_limited"];

/**
 * @typedef {object} LinkEvents
 * @property {() => void} onRoom a further frame may be sent
 * @property {(frame: object, negative: ArrayBuffer) => void} onNegative
 * @property {(frame: object) => void} onBusy the server had no time for this frame
 * @property {(code: string, message: string) => void} onFailed it is over
 */

export class CameraLink {
  #ws;
  #events;
  /** @type {object[]} sent and not answered, the oldest first */
  #underWay = [];
  #pause = 0;
  #stall = 0;

  /** @param {LinkEvents} events */
  constructor(events) {
    this.#events = events;
    const url = new URL("ws/image", new URL(".", location.href));
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.#ws = new WebSocket(url);
    this.#ws.binaryType = "arraybuffer";
    this.#ws.onopen = () => events.onRoom();
    this.#ws.onmessage = ({ data }) => this.#answered(data);
    this.#ws.onclose = ({ code, reason }) => this.#fail(code === 1013 ? "overloaded" : "lost", reason);
  }

  /** @returns {boolean} */
  get hasRoom() {
    return this.#ws.readyState === WebSocket.OPEN && this.#underWay.length < UNDER_WAY_MAX && this.#pause === 0;
  }

  /** @param {{jpeg: Blob}} frame */
  send(frame) {
    this.#ws.send(frame.jpeg);
    this.#underWay.push(frame);
    this.#watch();
  }

  /** Ends the connection; nothing is said of it. */
  close() {
    clearTimeout(this.#pause);
    clearTimeout(this.#stall);
    this.#ws.onopen = this.#ws.onmessage = this.#ws.onclose = null;
    this.#ws.close();
    this.#underWay = [];
  }

  #answered(data) {
    const frame = this.#underWay.shift();
    if (!frame) return;
    this.#watch();
    if (typeof data !== "string") this.#events.onNegative(frame, data);
    else this.#refused(frame, errorOf(data));
    if (this.hasRoom) this.#events.onRoom();
  }

  #refused(frame, { code, message }) {
    if (!WAIT_WORTH.includes(code)) {
      this.#fail(code, message);
      return;
    }
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#pause = 0;
      if (this.hasRoom) this.#events.onRoom();
    }, PAUSE_MS);
    this.#events.onBusy(frame);
  }

  #watch() {
    clearTimeout(this.#stall);
    if (this.#underWay.length > 0) this.#stall = setTimeout(() => this.#fail("lost", ""), STALL_MS);
  }

  #fail(code, message) {
    this.close();
    this.#events.onFailed(code, message);
  }
}

function errorOf(text) {
  try {
    const { code, message } = JSON.parse(text).error;
    return { code: String(code), message: String(message ?? code) };
  } catch {
    return { code: "unknown", message: "the server's answer could not be read" };
  }
}
