// The list of messages on the page: stored ones in the room's order, then this
// tab's own that wait for the server. Keeps to the bottom while the reader is
// there. Knows no connection and no protocol beyond what a message holds.

import { contentOf, textContent } from "./bubble.js";
import { byId, element, fromTemplate } from "./dom.js";
import { clockTime, counted, dayName, wholeTime } from "./format.js";
import { Presence } from "./presence.js";

const SHOWN_MAX = 1_000;
const AT_BOTTOM_PX = 60;
const SAME_BREATH_MS = 5 * 60_000;

export class MessageList {
  #list = byId("messages");
  #scroller = byId("scroller");
  #newer = byId("newer");
  #presence = new Presence();
  /** @type {Map<string, HTMLElement>} own ones after all stored ones, by id */
  #waiting = new Map();
  #last = null;
  #day = "";
  #unseen = 0;
  #stuck = true;
  #top = 0;
  #onRetry;

  /** @param {(id: string) => void} onRetry the reader wants a failed message sent again */
  constructor(onRetry) {
    this.#onRetry = onRetry;
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#newer.addEventListener("click", () => this.toBottom());
    const resized = new ResizeObserver(() => this.#stuck && this.toBottom());
    resized.observe(this.#scroller);
    resized.observe(this.#list);
  }

  /** Empties the list: another room. */
  clear() {
    this.#list.replaceChildren();
    this.#waiting.clear();
    this.#presence.end();
    this.#last = null;
    this.#day = "";
    this.toBottom();
  }

  /**
   * Adds a stored message after the other stored ones.
   * @param {object} message
   * @param {boolean} own
   * @returns {boolean} false for a type this page cannot show
   */
  add(message, own) {
    const item = this.#takeWaiting(message.id) ?? this.#item(contentOf(message));
    if (item === null) return false;
    this.#presence.end();
    const time = timeOf(message);
    this.#separateDay(time);
    item.dataset.offset = message.offset;
    item.classList.toggle("own", own);
    delete item.dataset.state;
    this.#sign(item, message.from, time);
    const before = this.#last;
    const continues = before !== null && before.from === message.from && before.own === own
      && time - before.time < SAME_BREATH_MS;
    item.classList.toggle("continues", continues);
    this.#last = { from: message.from, own, time };
    this.#insert(item);
    if (!this.#stuck && !own) this.#countUnseen();
    return true;
  }

  /**
   * Shows an own message that the server does not have yet.
   * @param {string} id
   * @param {string} from
   * @param {string} text
   */
  addWaiting(id, from, text) {
    const item = this.#item(textContent(text));
    item.classList.add("own");
    item.dataset.state = "waiting";
    this.#sign(item, from, new Date());
    this.#waiting.set(id, item);
    this.#list.append(item);
    this.toBottom();
  }

  /** @param {string} id @param {number} offset stored there; its place comes with the stream */
  acked(id, offset) {
    const item = this.#waiting.get(id);
    if (!item) return;
    item.dataset.state = "stored";
    item.dataset.offset = offset;
  }

  /** @param {string} id stays where it is: the stream has passed its place already */
  settle(id) {
    const item = this.#takeWaiting(id);
    if (!item) return;
    delete item.dataset.state;
    this.#presence.end();
    this.#last = null;
    this.#insert(item);
  }

  /** Settles every message that is stored but will not come with the stream. */
  settleStored() {
    for (const [id, item] of [...this.#waiting]) if (item.dataset.state === "stored") this.settle(id);
  }

  /** @param {string} id @param {string} why */
  failed(id, why) {
    const item = this.#waiting.get(id);
    if (!item) return;
    item.dataset.state = "failed";
    const retry = element("button", "link", "Try again");
    retry.type = "button";
    retry.addEventListener("click", () => {
      item.dataset.state = "waiting";
      item.querySelector(".fault").replaceChildren();
      this.#onRetry(id);
    });
    item.querySelector(".fault").replaceChildren(`Not sent: ${why}. `, retry);
    if (this.#stuck) this.toBottom();
  }

  /** @param {number} offset marks a message as this tab's own after the fact */
  markOwn(offset) {
    this.#list.querySelector(`li[data-offset="${Number(offset)}"]`)?.classList.add("own");
  }

  /** @param {string} text a line across the list */
  separate(text) {
    this.#presence.end();
    this.#insert(element("li", "separator", text));
    this.#last = null;
  }

  /** @param {"join" | "leave"} what @param {string} name */
  presence(what, name) {
    const line = this.#presence.note(what, name);
    if (line !== null) {
      this.#insert(line);
      this.#last = null;
    }
    if (this.#stuck) this.toBottom();
  }

  /** Goes to the newest message. */
  toBottom() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#stuck = true;
    this.#unseen = 0;
    this.#newer.hidden = true;
  }

  #item(content) {
    if (content === null) return null;
    const item = fromTemplate("message-template");
    item.querySelector(".bubble").append(content);
    return item;
  }

  #takeWaiting(id) {
    const item = this.#waiting.get(id) ?? null;
    if (item !== null) this.#waiting.delete(id);
    return item;
  }

  #sign(item, from, time) {
    item.querySelector(".from").textContent = from;
    item.style.setProperty("--hue", String(hueOf(from)));
    const stamp = item.querySelector("time");
    stamp.dateTime = time.toISOString();
    stamp.textContent = clockTime(time);
    stamp.title = wholeTime(time);
  }

  #separateDay(time) {
    const day = time.toDateString();
    if (this.#day === day) return;
    this.#day = day;
    this.#insert(element("li", "separator day", dayName(time)));
    this.#last = null;
  }

  #insert(item) {
    const [firstWaiting] = this.#waiting.values();
    this.#list.insertBefore(item, firstWaiting ?? null);
    while (this.#list.childElementCount > SHOWN_MAX) this.#list.firstElementChild.remove();
    if (this.#stuck) this.toBottom();
  }

  #countUnseen() {
    this.#unseen += 1;
    this.#newer.textContent = `${counted(this.#unseen, "new message")} ↓`;
    this.#newer.hidden = false;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const atBottom = scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PX;
    // Only the reader scrolls up; a list that grows below is no reason to stay behind.
    if (atBottom || scrollTop < this.#top) this.#stuck = atBottom;
    this.#top = scrollTop;
    if (atBottom) {
      this.#unseen = 0;
      this.#newer.hidden = true;
    }
  }
}

// The time comes from the server, and what cannot be read is told as the present.
function timeOf(message) {
  const time = new Date(message.time);
  return Number.isNaN(time.getTime()) ? new Date() : time;
}

// The same name has the same colour on every page.
function hueOf(name) {
  let hash = 0;
  for (const letter of String(name)) hash = (hash * 31 + letter.codePointAt(0)) % 360;
  return hash;
}
