// The ways in for pictures: dropped anywhere, pasted, picked, photographed.
// Hands files on and knows nothing of what becomes of them.

import { byId } from "./dom.js";

/** @param {(files: File[]) => void} onFiles never empty */
export function startIntake(onFiles) {
  const give = (list) => {
    const files = [...(list ?? [])];
    if (files.length > 0) onFiles(files);
    return files.length > 0;
  };
  for (const id of ["pick", "photograph"]) {
    const input = byId(id);
    input.addEventListener("change", () => {
      give(input.files);
      // The same file chosen again shall be a change again.
      input.value = "";
    });
  }
  byId("attach").addEventListener("click", () => byId("pick").click());
  document.addEventListener("paste", (event) => {
    // Text from an office program comes with a picture of itself; the text is what is meant.
    const types = event.clipboardData?.types ?? [];
    if (types.includes("text/plain") && types.includes("text/html")) return;
    if (give(event.clipboardData?.files)) event.preventDefault();
  });
  startDrop(give);
}

function startDrop(give) {
  const root = document.documentElement;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") === true;
  // Each element crossed says enter and leave, so the page counts how deep the pointer is.
  let depth = 0;
  const show = () => root.toggleAttribute("data-dragging", depth > 0);

  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    show();
  });
  addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(0, depth - 1);
    show();
  });
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", (event) => {
    depth = 0;
    show();
    if (!carriesFiles(event)) return;
    event.preventDefault();
    give(event.dataTransfer.files);
  });
}
