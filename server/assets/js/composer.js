// The field in which the reader writes. Knows the size limit of a message;
// hands a text on and knows nothing of what becomes of it.

import { byId } from "./dom.js";
import { counted, utf8Bytes } from "./format.js";

const TEXT_MAX_BYTES = 16 * 1024;
/** From here on the reader is told how much room is left. */
const TELL_FROM_BYTES = TEXT_MAX_BYTES - 1024;

/** @param {(text: string) => boolean} onSay whether the text was taken */
export function startComposer(onSay) {
  const form = byId("composer");
  const field = byId("text");
  const send = byId("send");
  const limit = byId("limit");

  const update = () => {
    const bytes = utf8Bytes(field.value);
    const over = bytes - TEXT_MAX_BYTES;
    field.setAttribute("aria-invalid", String(over > 0));
    send.disabled = over > 0;
    limit.hidden = bytes < TELL_FROM_BYTES;
    limit.dataset.over = String(over > 0);
    limit.textContent = over > 0
      ? `${counted(over, "byte")} too long: a message holds 16 KiB.`
      : `${counted(-over, "byte")} left`;
    grow(field);
  };

  const say = () => {
    const text = field.value;
    if (text.trim() === "" || send.disabled) return;
    if (!onSay(text)) return;
    field.value = "";
    update();
    field.focus();
  };

  field.addEventListener("input", update);
  field.addEventListener("keydown", (event) => {
    // While an input method composes, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    say();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say();
  });
  update();
}

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}
