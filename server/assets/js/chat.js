// The conversation in one room: what the connection hears goes into the list,
// what the reader says goes into the outbox and out. The only module that
// knows the native door's message types.

import { spoken } from "./bubble.js";
import { Connection } from "./connection.js";
import { announce, byId, notice } from "./dom.js";
import { counted } from "./format.js";
import { MessageList } from "./messages.js";
import { Outbox } from "./outbox.js";
import { showState } from "./status.js";
import { chatWords } from "./words.js";

export class Chat {
  #list = new MessageList((id) => this.#outbox.retry(id));
  #outbox = new Outbox((message) => this.#connection?.send(message) ?? false);
  #connection = null;
  #name = "";
  #epoch = null;
  #lastOffset = 0;
  /** Messages up to here were said before this page came. */
  #backlogEnd = 0;
  /** @type {Set<number>} own pictures whose message has not come yet */
  #expected = new Set();
  #unread = 0;
  #room = "";

  constructor() {
    document.addEventListener("visibilitychange", () => this.#read());
  }

  /** @returns {string} the present room */
  get room() {
    return this.#room;
  }

  /** @returns {string} the name under which others see this tab */
  get name() {
    return this.#name;
  }

  /**
   * Leaves the present room, if any, and enters another.
   * @param {string} room
   * @param {string} name empty for a guest
   */
  enter(room, name) {
    this.#connection?.leave();
    this.#list.clear();
    this.#outbox.clear();
    this.#expected.clear();
    this.#room = room;
    this.#name = name;
    this.#epoch = null;
    this.#lastOffset = 0;
    this.#read();
    byId("empty").hidden = false;
    this.#connection = new Connection(room, name, {
      onState: (state) => showState(state, () => this.#connection.now()),
      onWelcome: (welcome) => this.#welcomed(welcome),
      onMessage: (message) => this.#heard(message),
    });
  }

  /** @param {string} name */
  rename(name) {
    this.#name = name;
    this.#connection.rename(name);
  }

  /**
   * @param {string} text
   * @returns {boolean} false when too much is waiting already
   */
  say(text) {
    if (this.#outbox.full) {
      notice("Many messages are waiting for the connection. Please try again when it is back.");
      return false;
    }
    byId("empty").hidden = true;
    this.#list.addWaiting(this.#outbox.say(text), this.#name || "me", text);
    return true;
  }

  /** @param {number} offset of a picture that this tab has shared */
  expectOwn(offset) {
    if (offset <= this.#lastOffset) this.#list.markOwn(offset);
    else this.#expected.add(offset);
  }

  #welcomed(welcome) {
    this.#name = welcome.name;
    this.#showMembers(welcome.members);
    if (welcome.recovered === false && this.#lastOffset > 0) this.#list.separate("Some messages may be missing");
    // Offsets start anew with an epoch, and a head behind us means a room that was set back.
    if (this.#epoch !== welcome.epoch || welcome.head < this.#lastOffset) this.#lastOffset = 0;
    if (welcome.recovered === false) this.#list.settleStored();
    this.#epoch = welcome.epoch;
    this.#backlogEnd = welcome.head;
    this.#outbox.resend();
  }

  #heard(message) {
    switch (message.type) {
      case "chat":
      case "data":
      case "image":
      case "bytes":
        return this.#stored(message);
      case "join":
      case "leave":
        return this.#presence(message);
      case "ack":
        return this.#acked(message);
      case "error":
        return this.#refused(message);
      default:
        // A newer server may say more than this page knows.
        return undefined;
    }
  }

  #stored(message) {
    if (!(this.#lastOffset < message.offset)) return;
    this.#lastOffset = message.offset;
    const own = this.#isOwn(message);
    if (own) this.#outbox.confirm(message.id);
    byId("empty").hidden = true;
    this.#list.add(message, own);
    if (own || message.offset <= this.#backlogEnd) return;
    announce(`${message.from}: ${spoken(message)}`);
    if (document.hidden) {
      this.#unread += 1;
      this.#showTitle();
    }
  }

  #isOwn(message) {
    return this.#expected.delete(message.offset) || (message.id !== undefined && this.#outbox.isOwn(message.id));
  }

  #presence(message) {
    this.#showMembers(message.members);
    // The reader knows about their own coming, and large rooms tell the count alone.
    if (message.name && message.name !== this.#name) this.#list.presence(message.type, message.name);
  }

  #acked(message) {
    if (!this.#outbox.confirm(message.id)) return;
    this.#list.acked(message.id, message.offset);
    // Its broadcast went by before, or belongs to history that this page does not show.
    if (message.epoch !== this.#epoch || message.offset <= this.#lastOffset) this.#list.settle(message.id);
  }

  #refused(message) {
    const why = chatWords(message.code, message.message);
    if (message.id !== undefined && this.#outbox.fail(message.id)) {
      this.#list.failed(message.id, why);
      announce(`Not sent: ${why}`);
    } else notice(`The server says: ${why}`);
  }

  #showMembers(members) {
    if (!Number.isSafeInteger(members)) return;
    byId("members").textContent = `${members} here`;
    byId("members").title = counted(members, "member");
  }

  #read() {
    if (!document.hidden) this.#unread = 0;
    this.#showTitle();
  }

  #showTitle() {
    const count = this.#unread > 0 ? `(${this.#unread}) ` : "";
    document.title = `${count}#${this.#room} – negaphone`;
  }
}
