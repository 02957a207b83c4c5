// The few things this page does with the document again and again.

/**
 * @template {HTMLElement} E
 * @param {string} id
 * @returns {E} the element, which the page is known to have
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * @param {string} templateId of a template with one element in it
 * @returns {HTMLElement} a fresh copy
 */
export function fromTemplate(templateId) {
  return byId(templateId).content.firstElementChild.cloneNode(true);
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {string} [text]
 * @returns {HTMLElement}
 */
export function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

let announced = 0;

/**
 * Has a screen reader say something.
 * @param {string} text
 */
export function announce(text) {
  // The same text twice is said twice only if the second one differs.
  announced += 1;
  byId("announcer").textContent = announced % 2 === 0 ? text : `${text}\u00a0`;
}

let noticeTimer = 0;
const NOTICE_MS = 8_000;

/**
 * Shows a short notice for some seconds.
 * @param {string} text
 */
export function notice(text) {
  const shown = byId("notice");
  shown.textContent = text;
  shown.hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => {
    shown.hidden = true;
  }, NOTICE_MS);
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether the clipboard has taken it
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard on plain http or without leave: the caller says so.
    return false;
  }
}
