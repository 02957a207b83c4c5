// How one room message looks: its text, picture, data or bytes. Everything
// from others goes through textContent or a checked URL, so markup stays text.

import { element } from "./dom.js";
import { humanBytes } from "./format.js";

const DATA_MAX_CHARS = 2_000;
const PICTURE_MAX_PX = 65_535;
const LINK = /https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]]/g;

/**
 * @param {object} message of the native door
 * @returns {Node | null} its content, or null for a type this page does not know
 */
export function contentOf(message) {
  switch (message.type) {
    case "chat":
      return textContent(String(message.text));
    case "data":
      return element("code", "data", shortened(JSON.stringify(message.data) ?? ""));
    case "image":
      return picture(message);
    case "bytes":
      return element("span", "bytes", bytesWords(message.size));
    default:
      return null;
  }
}

/**
 * @param {object} message
 * @returns {string} the message in words, for a screen reader
 */
export function spoken(message) {
  if (message.type === "chat") return String(message.text);
  if (message.type === "image") return "shared a picture";
  if (message.type === "bytes") return bytesWords(message.size);
  return "sent data";
}

/**
 * @param {string} text
 * @returns {HTMLElement} a paragraph in which web addresses can be followed
 */
export function textContent(text) {
  const paragraph = element("p", "text");
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    paragraph.append(text.slice(from, match.index), link(match[0], match[0]));
    from = match.index + match[0].length;
  }
  paragraph.append(text.slice(from));
  return paragraph;
}

function link(href, text) {
  const anchor = element("a", "", text);
  anchor.href = href;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

function picture(message) {
  const url = sameOriginUrl(message.url);
  if (url === null) return element("span", "bytes", "a picture from elsewhere");
  const figure = element("figure", "shared");
  const img = document.createElement("img");
  img.loading = "lazy";
  img.decoding = "async";
  img.alt = `Negative shared by ${message.from}`;
  const width = pixels(message.width);
  const height = pixels(message.height);
  img.style.setProperty("--width", String(width));
  img.style.setProperty("--ratio", String(width / height));
  img.src = url;
  img.addEventListener("error", () => figure.replaceChildren(element("span", "bytes", "This picture is gone.")));
  const anchor = link(url, "");
  anchor.append(img);
  const format = String(message.format ?? "").toUpperCase().slice(0, 8);
  figure.append(anchor, element("figcaption", "edge", `${format} ${width}×${height}`));
  return figure;
}

function sameOriginUrl(relative) {
  try {
    const url = new URL(relative, location.href);
    return url.origin === location.origin ? url.href : null;
  } catch {
    return null;
  }
}

function pixels(value) {
  return Math.min(PICTURE_MAX_PX, Math.max(1, Math.trunc(Number(value)) || 1));
}

function bytesWords(size) {
  const bytes = Number(size) || 0;
  return bytes < 1024 ? `${bytes} bytes` : humanBytes(bytes);
}

function shortened(text) {
  return text.length <= DATA_MAX_CHARS ? text : `${text.slice(0, DATA_MAX_CHARS)}…`;
}
