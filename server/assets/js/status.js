// Shows how the connection is: connected, connecting, waiting with a countdown
// and a way to go at once, offline, or refused with the reason.

import { announce, byId, notice } from "./dom.js";

let countdown = 0;
let lost = false;

/**
 * @param {import("./connection.js").ConnectionState} state
 * @param {() => void} onNow the reader does not want to wait
 */
export function showState(state, onNow) {
  clearInterval(countdown);
  const status = byId("status");
  const now = byId("reconnect");
  status.dataset.state = state.state;
  now.hidden = state.state !== "waiting" && state.state !== "refused" && state.state !== "offline";
  now.onclick = onNow;
  now.textContent = state.state === "refused" ? "Connect again" : "Now";
  const show = (words) => {
    byId("status-words").textContent = words;
  };
  switch (state.state) {
    case "connecting":
      return show("Connecting…");
    case "connected":
      tellAloud("kept");
      return show("Connected");
    case "offline":
      tellAloud("lost");
      return show("Offline");
    case "refused":
      notice(state.why);
      return show("Disconnected");
    case "waiting": {
      tellAloud("lost");
      const tick = () => show(`Reconnecting in ${Math.max(1, Math.ceil((state.until - Date.now()) / 1_000))} s`);
      tick();
      countdown = setInterval(tick, 500);
      return undefined;
    }
  }
}

// A screen reader hears of the loss and the return, not of each second and attempt between.
function tellAloud(connection) {
  if (lost === (connection === "lost")) return;
  lost = connection === "lost";
  announce(lost ? "Connection lost, trying again" : "Connected again");
}
