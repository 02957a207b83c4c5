// Switches between the light table and the darkroom. Without a choice the
// system's scheme holds; theme-first.js sets the remembered one early.

import { byId } from "./dom.js";
import { remember } from "./storage.js";

const systemDark = matchMedia("(prefers-color-scheme: dark)");

/** Makes the toggle work and keeps its label true. */
export function startTheme() {
  const toggle = byId("theme");
  const show = () => {
    const next = present() === "dark" ? "Light table" : "Darkroom";
    toggle.title = next;
    toggle.setAttribute("aria-label", `Switch to ${next.toLowerCase()} (${present() === "dark" ? "light" : "dark"} theme)`);
  };
  toggle.addEventListener("click", () => {
    const theme = present() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    remember("theme", theme);
    show();
  });
  systemDark.addEventListener("change", show);
  show();
}

function present() {
  return document.documentElement.dataset.theme ?? (systemDark.matches ? "dark" : "light");
}
