// Who came and went since the last message, told in one quiet line instead of
// many. Builds the line; the list puts it in its place.

import { element } from "./dom.js";
import { counted } from "./format.js";

const NAMED_MAX = 3;
const KEPT_MAX = 100;

export class Presence {
  #line = null;
  /** @type {string[]} */
  #came = [];
  /** @type {string[]} */
  #went = [];

  /**
   * @param {"join" | "leave"} what
   * @param {string} name
   * @returns {HTMLElement | null} a new line to be shown, or null when the shown one says it
   */
  note(what, name) {
    const [now, before] = what === "join" ? [this.#came, this.#went] : [this.#went, this.#came];
    // Who went and is back (or came and is gone) is no news.
    const cancelled = before.indexOf(name);
    if (cancelled >= 0) before.splice(cancelled, 1);
    else if (now.length < KEPT_MAX) now.push(name);
    return this.#show();
  }

  /** Something else follows in the list: the next event opens a new line. */
  end() {
    this.#line = null;
    this.#came = [];
    this.#went = [];
  }

  #show() {
    const words = [said(this.#came, "came"), said(this.#went, "left")].filter(Boolean).join(" · ");
    if (words === "") {
      this.#line?.remove();
      this.#line = null;
      return null;
    }
    if (this.#line !== null) {
      this.#line.textContent = words;
      return null;
    }
    this.#line = element("li", "presence", words);
    return this.#line;
  }
}

function said(names, verb) {
  if (names.length === 0) return "";
  const named = names.slice(0, NAMED_MAX);
  const rest = names.length - named.length;
  if (rest > 0) return `${named.join(", ")} and ${counted(rest, "other")} ${verb}`;
  const last = named.pop();
  return `${named.length > 0 ? `${named.join(", ")} and ` : ""}${last} ${verb}`;
}
