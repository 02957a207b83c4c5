// A room of the Channels style chat: what is typed goes out as
// {"message": …}, and what comes in is a line of the log.

import { Backoff } from "./backoff.js";

const log = document.getElementById("chat-log");
const input = document.getElementById("chat-message-input");
const status = document.getElementById("chat-status");
const backoff = new Backoff();
let socket = null;

function open() {
  const room = encodeURIComponent(document.body.dataset.room);
  const url = new URL(`../../ws/chat/${room}/`, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    status.textContent = "Connected";
    backoff.reset();
  });
  socket.addEventListener("message", ({ data }) => {
    log.value += `${JSON.parse(data).message}\n`;
    log.scrollTop = log.scrollHeight;
  });
  socket.addEventListener("close", () => {
    status.textContent = "Not connected; trying again…";
    setTimeout(open, backoff.next());
  });
}

document.getElementById("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.value === "" || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ message: input.value }));
  input.value = "";
});

open();
