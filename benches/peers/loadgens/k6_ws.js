// k6's module k6/ws as its documentation shows it: a virtual user has one connection.
// k6 measures no latency of messages by itself: the time of sending travels in each message.
import ws from "k6/ws";
import { Trend } from "k6/metrics";

const { URL, PACE } = __ENV;
const [CLIENTS, SECONDS, EVERY_MS, RATE] = ["CLIENTS", "SECONDS", "EVERY_MS", "RATE"].map((name) => Number(__ENV[name]));
const latency = new Trend("latency", true);
const PADDING = "x".repeat(64);

// "arrival": an iteration is one message on a connection of its own, and so many begin a second.
const arrival = {
  executor: "constant-arrival-rate",
  rate: RATE,
  timeUnit: "1s",
  duration: `${SECONDS}s`,
  preAllocatedVUs: CLIENTS,
  gracefulStop: "0s",
};
const kept = { executor: "per-vu-iterations", vus: CLIENTS, iterations: 1, maxDuration: `${SECONDS}s`, gracefulStop: "0s" };

export const options = {
  scenarios: { load: PACE === "arrival" ? arrival : kept },
  summaryTrendStats: ["med", "p(99)", "p(99.9)", "max"],
};

export default function () {
  ws.connect(URL, null, (socket) => {
    let sent = 0;
    const send = () => socket.send(`${__VU} ${sent++} ${Date.now()} ${PADDING}`.slice(0, 64));
    socket.on("message", (message) => {
      const [sender, , at] = message.split(" ");
      latency.add(Date.now() - Number(at));
      if (Number(sender) !== __VU) return;
      if (PACE === "answer") send();
      if (PACE === "answer, then wait") socket.setTimeout(send, EVERY_MS);
      if (PACE === "arrival") socket.close();
    });
    socket.on("open", () => {
      if (PACE === "timer") socket.setInterval(send, EVERY_MS);
      else if (PACE !== "idle") send();
    });
  });
}
