// One member's place in one room, held over as many WebSockets as it takes:
// connects, notices silence, comes back with back-off and resumes where the
// stream was cut. Knows positions and close codes; knows no page and does not
// read messages beyond their type and offset.

import { Backoff } from "./backoff.js";
import { closeWords } from "./words.js";

const WELCOME_WITHIN_MS = 15_000;
const SILENCE_MS = 30_000;
const PONG_WITHIN_MS = 10_000;
/** A connection that lived this long was a good one: the next wait starts short again. */
const GOOD_AFTER_MS = 5_000;

const TOO_SLOW = 4001;

/**
 * @typedef {{state: "connecting"} | {state: "connected"} | {state: "offline"}
 *   | {state: "waiting", until: number} | {state: "refused", why: string}} ConnectionState
 *
 * @typedef {object} ConnectionEvents
 * @property {(state: ConnectionState) => void} onState
 * @property {(welcome: object) => void} onWelcome
 * @property {(message: object) => void} onMessage every other message of the server
 */

export class Connection {
  #room;
  #name;
  #events;
  #socket = null;
  #backoff = new Backoff();
  #openedAt = 0;
  #timer = 0;
  #watchdog = 0;
  #session = null;
  #position = null;
  #left = false;

  /**
   * @param {string} room
   * @param {string} name empty for a guest
   * @param {ConnectionEvents} events
   */
  constructor(room, name, events) {
    this.#room = room;
    this.#name = name;
    this.#events = events;
    addEventListener("online", this.#online);
    addEventListener("offline", this.#offline);
    this.#open();
  }

  /** @returns {boolean} whether the server has welcomed this socket */
  get connected() {
    return this.#socket?.welcomed === true;
  }

  /** @returns {string | null} the epoch of the room's offsets, once welcomed */
  get epoch() {
    return this.#position?.epoch ?? null;
  }

  /**
   * @param {object} message
   * @returns {boolean} whether it was handed to a welcomed socket
   */
  send(message) {
    if (!this.connected) return false;
    this.#socket.ws.send(JSON.stringify(message));
    return true;
  }

  /** Connects at once instead of waiting. */
  now() {
    if (!this.#left && this.#socket === null) this.#open();
  }

  /** @param {string} name comes back under another name, with the same position */
  rename(name) {
    this.#name = name;
    this.#drop();
    this.#open();
  }

  /** Leaves the room for good. */
  leave() {
    this.#left = true;
    this.#drop();
    removeEventListener("online", this.#online);
    removeEventListener("offline", this.#offline);
  }

  #online = () => this.now();

  // The browser's word is not proof (loopback still works), so an open socket is asked, not dropped.
  #offline = () => {
    if (this.connected) this.#ping();
    else if (this.#socket === null && !this.#left) this.#events.onState({ state: "offline" });
  };

  #address() {
    const url = new URL("ws", new URL(".", location.href));
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("room", this.#room);
    if (this.#name) url.searchParams.set("name", this.#name);
    if (this.#session) url.searchParams.set("session", this.#session);
    if (this.#position) {
      url.searchParams.set("since", this.#position.offset);
      url.searchParams.set("epoch", this.#position.epoch);
    }
    return url;
  }

  #open() {
    clearTimeout(this.#timer);
    this.#events.onState({ state: "connecting" });
    const ws = new WebSocket(this.#address());
    const socket = { ws, welcomed: false };
    this.#socket = socket;
    this.#openedAt = Date.now();
    // A socket that was dropped may still report; only the present one counts.
    const ifPresent = (react) => (event) => this.#socket === socket && react(event);
    ws.onmessage = ifPresent((event) => this.#heard(event.data));
    ws.onclose = ifPresent((event) => this.#closed(event.code, event.reason));
    this.#watchdog = setTimeout(() => this.#closed(1006, ""), WELCOME_WITHIN_MS);
  }

  #heard(data) {
    this.#watch();
    const message = parsed(data);
    if (message === null) return;
    if (message.type === "welcome") this.#welcomed(message);
    else if (this.connected && message.type !== "pong") this.#streamed(message);
  }

  #streamed(message) {
    // An ack may run ahead of the stream, so its offset is no position.
    if (message.type !== "ack" && this.#position.offset < message.offset) this.#position.offset = message.offset;
    this.#events.onMessage(message);
  }

  #welcomed(welcome) {
    this.#socket.welcomed = true;
    this.#session = welcome.session;
    this.#position = { offset: welcome.offset, epoch: welcome.epoch };
    this.#events.onState({ state: "connected" });
    this.#events.onWelcome(welcome);
  }

  // The server's own pings never reach a script, so silence is broken by ours.
  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#ping(), SILENCE_MS);
  }

  #ping() {
    this.send({ type: "ping" });
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#stalled(), PONG_WITHIN_MS);
  }

  // Closing a dead socket would wait for an answer that does not come: leave it behind.
  #stalled() {
    this.#drop();
    this.#open();
  }

  #closed(code, reason) {
    const lived = this.connected ? Date.now() - this.#openedAt : 0;
    this.#drop();
    if (lived >= GOOD_AFTER_MS) this.#backoff.reset();
    const why = closeWords(code, reason);
    if (why !== null) this.#events.onState({ state: "refused", why });
    // A reader that is too slow again at once waits like everybody else.
    else if (code === TOO_SLOW && lived >= GOOD_AFTER_MS) this.#open();
    else this.#wait();
  }

  #wait() {
    const delay = this.#backoff.next();
    this.#timer = setTimeout(() => this.now(), delay);
    if (navigator.onLine) this.#events.onState({ state: "waiting", until: Date.now() + delay });
    else this.#events.onState({ state: "offline" });
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#socket?.ws.close();
    this.#socket = null;
  }
}

// An object, or null for anything else: pictures come on this socket only for those who send them here.
function parsed(data) {
  try {
    const value = JSON.parse(data);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
