// Says things about bytes, times and pictures in a form for people. Pure.

const utf8 = new TextEncoder();

/**
 * @param {string} text
 * @returns {number} its size in UTF-8
 */
export function utf8Bytes(text) {
  return utf8.encode(text).length;
}

/**
 * @param {number} bytes
 * @returns {string} "812 B", "1.4 KiB", "23 MiB"
 */
export function humanBytes(bytes) {
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB"]) {
    if (value < 1024) return `${unit === "B" || value >= 10 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} GiB`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 * @returns {string} "1 message", "2 messages"
 */
export function counted(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

/** @param {Date} time @returns {string} local hours and minutes */
export function clockTime(time) {
  return clock.format(time);
}

/** @param {Date} time @returns {string} local date and time to the second */
export function wholeTime(time) {
  return fullTime.format(time);
}

/** @param {Date} time @returns {string} "Today", "Yesterday", or the date */
export function dayName(time) {
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1);
  if (time.toDateString() === new Date().toDateString()) return "Today";
  if (time.toDateString() === yesterday.toDateString()) return "Yesterday";
  return (time.getFullYear() === new Date().getFullYear() ? day : dayOfYear).format(time);
}

/** A kind of picture, told by its first bytes. Names lie, content does not. */
const KINDS = [
  { name: "PNG", extension: "png", type: "image/png", starts: (b) => ascii(b, 1, "PNG\r\n") },
  { name: "JPEG", extension: "jpg", type: "image/jpeg", starts: (b) => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff },
  { name: "GIF", extension: "gif", type: "image/gif", starts: (b) => ascii(b, 0, "GIF8") },
  { name: "WebP", extension: "webp", type: "image/webp", starts: (b) => ascii(b, 0, "RIFF") && ascii(b, 8, "WEBP") },
  { name: "BMP", extension: "bmp", type: "image/bmp", starts: (b) => ascii(b, 0, "BM") },
  { name: "TIFF", extension: "tiff", type: "image/tiff", starts: (b) => ascii(b, 0, "II*\0") || ascii(b, 0, "MM\0*") },
];
const UNKNOWN = { name: "file", extension: "bin", type: "application/octet-stream" };

function ascii(bytes, at, text) {
  return [...text].every((letter, index) => bytes[at + index] === letter.charCodeAt(0));
}

/**
 * @param {ArrayBuffer} buffer
 * @returns {{name: string, extension: string, type: string}}
 */
export function kindOf(buffer) {
  const head = new Uint8Array(buffer, 0, Math.min(16, buffer.byteLength));
  return KINDS.find((kind) => kind.starts(head)) ?? UNKNOWN;
}

/**
 * @param {string} fileName
 * @param {string} extension used when the file's own name has none
 * @returns {string} "holiday.jpg" -> "holiday-negative.jpg"
 */
export function negativeName(fileName, extension) {
  const dot = fileName.lastIndexOf(".");
  if (dot <= 0) return `${fileName || "picture"}-negative.${extension}`;
  return `${fileName.slice(0, dot)}-negative${fileName.slice(dot)}`;
}
