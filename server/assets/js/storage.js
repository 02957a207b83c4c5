// Remembers small strings in the browser. Knows that storage may be full or
// forbidden, and that the page must work all the same; knows no meaning.

const PREFIX = "negaphone.";

/**
 * @param {"local" | "session"} kind how long to remember: for ever, or as long as this tab
 * @returns {Storage | null}
 */
function storage(kind) {
  try {
    return kind === "local" ? localStorage : sessionStorage;
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {"local" | "session"} [kind]
 * @returns {string | null}
 */
export function recall(key, kind = "local") {
  try {
    return storage(kind)?.getItem(PREFIX + key) ?? null;
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 * @param {"local" | "session"} [kind]
 */
export function remember(key, value, kind = "local") {
  try {
    storage(kind)?.setItem(PREFIX + key, value);
  } catch {
    // Full or forbidden: forgetting is all that happens.
  }
}

/**
 * @param {string} key
 * @param {"local" | "session"} [kind]
 * @returns {string[]} the remembered list, empty when there is none or it is not one
 */
export function recallList(key, kind = "local") {
  try {
    const list = JSON.parse(recall(key, kind) ?? "[]");
    return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}
