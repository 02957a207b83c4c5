// On narrow screens one of the two halves is shown at a time; this switches
// between them. On wide ones the style sheet shows both and hides the switch.

import { byId } from "./dom.js";

const VIEWS = ["chat", "table"];

/** Makes the switch work. */
export function startViews() {
  for (const view of VIEWS) byId(`show-${view}`).addEventListener("click", () => showView(view));
  showView("chat");
}

/** @param {"chat" | "table"} shown */
export function showView(shown) {
  byId("halves").dataset.view = shown;
  for (const view of VIEWS) byId(`show-${view}`).setAttribute("aria-pressed", String(view === shown));
}
