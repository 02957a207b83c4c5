// A room of the Channels style chat: what is typed goes out as
// {"message": …}, and what comes in is a line of the log.

import { Backoff } from "./backoff.js";

const log = document.getElementById("chat-log");
const input = document.getElementById("chat-message-input");
const status = document.getElementById("chat-status");
const words = document.getElementById("chat-status-words");
const backoff = new Backoff();
let socket = null;

function open() {
  const room = encodeURIComponent(document.body.dataset.room);
  const url = new URL(`../../ws/chat/${room}/`, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    show("connected", "Connected");
    backoff.reset();
  });
  socket.addEventListener("message", ({ data }) => {
    log.value += `${JSON.parse(data).message}\n`;
    log.scrollTop = log.scrollHeight;
  });
  socket.addEventListener("close", () => {
    show("waiting", "Reconnecting…");
    setTimeout(open, backoff.next());
  });
}

function show(state, text) {
  status.dataset.state = state;
  words.textContent = text;
}

document.getElementById("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.value === "" || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ message: input.value }));
  input.value = "";
});

open();
