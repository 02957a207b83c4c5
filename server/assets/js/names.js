// What may be the name of a person or of a room, and how it is remembered.
// The server decides; the same rules stand here because a browser cannot see
// why a WebSocket handshake was refused.

import { recall, recallList, remember } from "./storage.js";

export const DEFAULT_ROOM = "lobby";
const NAME_MAX_CHARS = 64;
const ROOM_MAX_CHARS = 94;
const ROOM_MAX_BYTES = 256;
const RECENT_ROOMS = 6;

// Control characters, line and paragraph separators, bidi overrides and isolates.
const NAME_REFUSED = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;
const ROOM_ALLOWED = /^[\p{L}\p{M}\p{Nd}_.\-~]+$/u;

/**
 * @param {string} name
 * @returns {string | null} why the name cannot be used, or null when it can
 */
export function nameFault(name) {
  if ([...name].length > NAME_MAX_CHARS) return `A name has at most ${NAME_MAX_CHARS} characters.`;
  if (NAME_REFUSED.test(name)) return "This name holds invisible control characters.";
  return null;
}

/**
 * @param {string} room
 * @returns {string | null} why the room name cannot be used, or null when it can
 */
export function roomFault(room) {
  if (room === "") return "A room needs a name.";
  if (!ROOM_ALLOWED.test(room)) return "Room names are made of letters, digits and _ . - ~";
  const bytes = new TextEncoder().encode(room).length;
  if ([...room].length > ROOM_MAX_CHARS || bytes > ROOM_MAX_BYTES) return "This room name is too long.";
  return null;
}

/** @returns {string} the remembered name; empty for a guest */
export function rememberedName() {
  const name = recall("name") ?? "";
  return nameFault(name) === null ? name : "";
}

/** @param {string} name */
export function rememberName(name) {
  remember("name", name);
}

/** @returns {string} the room that the page's address asks for; may be one that cannot be */
export function roomOfAddress() {
  const room = new URLSearchParams(location.search).get("room");
  return room ? room.normalize("NFC") : DEFAULT_ROOM;
}

/**
 * @param {string} room
 * @returns {string} an address that opens this page in that room
 */
export function addressOfRoom(room) {
  const url = new URL(location.href);
  url.hash = "";
  url.search = room === DEFAULT_ROOM ? "" : `?${new URLSearchParams({ room })}`;
  return url.href;
}

/** @returns {string[]} rooms visited of late, the newest first */
export function recentRooms() {
  return recallList("rooms").filter((room) => roomFault(room) === null).slice(0, RECENT_ROOMS);
}

/** @param {string} room */
export function rememberRoom(room) {
  const rooms = [room, ...recentRooms().filter((other) => other !== room)];
  remember("rooms", JSON.stringify(rooms.slice(0, RECENT_ROOMS)));
}
