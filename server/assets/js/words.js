// The server's error codes in kind words. Pure.

const TOO_LARGE = "Too large: up to 32 MiB and 64 megapixels, please; 16.8 for WebP and others that are decoded.";

const IMAGE_WORDS = {
  not_an_image: "This does not look like a picture.",
  image_unsupported: "This kind of picture has no negative here yet. PNG, JPEG, GIF, WebP, BMP, TIFF, PNM and QOI do.",
  image_broken: "The picture is damaged or was cut short.",
  image_too_large: TOO_LARGE,
  too_large: TOO_LARGE,
  rate_limited: "That was fast. Try again in a moment.",
  overloaded: "Many pictures are being turned right now. Try again in a moment.",
  lost: "The connection broke several times while this picture was under way.",
  unreadable: "The file could not be read.",
};

const CAMERA_WORDS = {
  NotAllowedError: "The page may not use the camera. Allow it next to the browser's address, then try again.",
  SecurityError: "The camera needs https, or a server on this very machine.",
  NotFoundError: "No camera was found.",
  OverconstrainedError: "No camera was found that fits.",
  NotReadableError: "The camera does not answer; another program may be using it.",
  AbortError: "The camera does not answer; another program may be using it.",
  ended: "The camera was unplugged, or taken by another program.",
  lost: "The connection to the server broke off.",
  overloaded: "The server is busy: frames are left out until it has time.",
};

const CHAT_WORDS = {
  too_large: "too long (16 KiB at most)",
  rate_limited: "too fast, take a breath",
  overloaded: "the server is very busy",
  store_down: "the server cannot store messages right now",
  too_many_rooms: "no new rooms right now",
};

/**
 * @param {string} code
 * @param {string} [message] what the server said, for codes unknown here
 * @returns {string} a whole sentence
 */
export function imageWords(code, message) {
  return IMAGE_WORDS[code] ?? `It did not work: ${message || code}.`;
}

/**
 * @param {string} code of ours, or the name of the browser's exception
 * @param {string} [message]
 * @returns {string} a whole sentence
 */
export function cameraWords(code, message) {
  return CAMERA_WORDS[code] ?? imageWords(code, message);
}

/**
 * @param {string} code
 * @param {string} [message]
 * @returns {string} words that follow "not sent: "
 */
export function chatWords(code, message) {
  return CHAT_WORDS[code] ?? (message || code);
}

/**
 * @param {string} code
 * @returns {boolean} whether the same picture may well succeed later
 */
export function worthRetrying(code) {
  return code === "overloaded" || code === "lost";
}

/**
 * @param {number} code a WebSocket close code
 * @param {string} reason
 * @returns {string | null} a sentence for closes that come again when nothing changes
 */
export function closeWords(code, reason) {
  const why = reason ? ` (${reason})` : "";
  if (code === 1008) return `The server ended the connection for going against its rules${why}.`;
  if (code === 1009) return `The server ended the connection: something sent was too large${why}.`;
  return null;
}
