// k6's module k6/experimental/websockets (k6/websockets in later versions) as its documentation shows it: a virtual user has up to 100 connections.
// k6 measures no latency of messages by itself: the time of sending travels in each message.
import { WebSocket } from "k6/experimental/websockets";
import { Trend } from "k6/metrics";

const { URL, PACE } = __ENV;
const [CLIENTS, SECONDS, EVERY_MS] = ["CLIENTS", "SECONDS", "EVERY_MS"].map((name) => Number(__ENV[name]));
const SOCKETS = Math.min(CLIENTS, 100);
const latency = new Trend("latency", true);
const PADDING = "x".repeat(64);

export const options = {
  scenarios: {
    load: {
      executor: "per-vu-iterations",
      vus: Math.ceil(CLIENTS / SOCKETS),
      iterations: 1,
      maxDuration: `${SECONDS}s`,
      gracefulStop: "0s",
    },
  },
  summaryTrendStats: ["med", "p(99)", "p(99.9)", "max"],
};

export default function () {
  for (let number = 0; number < SOCKETS; number++) open(`${__VU}-${number}`);
}

function open(name) {
  const socket = new WebSocket(URL);
  let sent = 0;
  const send = () => socket.send(`${name} ${sent++} ${Date.now()} ${PADDING}`.slice(0, 64));
  socket.onmessage = ({ data }) => {
    const [sender, , at] = data.split(" ");
    latency.add(Date.now() - Number(at));
    if (sender === name && PACE === "answer") send();
  };
  socket.onopen = () => {
    if (PACE === "timer") setInterval(send, EVERY_MS);
    if (PACE === "answer") send();
  };
}
