// The divider between two pictures that lie on each other: dragged, touched or
// moved by keys, as the ARIA slider pattern asks. Knows only its two elements.

const STEP = 2;
const LEAP = 10;

/**
 * @param {HTMLElement} stage holds the pictures; reads --split, in percent from the left
 * @param {HTMLElement} handle with role=slider, min 0 and max 100
 */
export function startSlider(stage, handle) {
  let split = 50;

  const moveTo = (percent) => {
    split = Math.min(100, Math.max(0, percent));
    stage.style.setProperty("--split", `${split}%`);
    handle.setAttribute("aria-valuenow", String(Math.round(split)));
    handle.setAttribute("aria-valuetext", `${Math.round(split)} % original, ${100 - Math.round(split)} % negative`);
  };

  const moveToPointer = (event) => {
    const box = stage.getBoundingClientRect();
    if (box.width > 0) moveTo(((event.clientX - box.left) / box.width) * 100);
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    moveToPointer(event);
    handle.focus({ preventScroll: true });
    // Else the browser starts to drag the picture itself.
    event.preventDefault();
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) moveToPointer(event);
  });

  const steps = {
    ArrowLeft: () => split - STEP,
    ArrowDown: () => split - STEP,
    ArrowRight: () => split + STEP,
    ArrowUp: () => split + STEP,
    PageDown: () => split - LEAP,
    PageUp: () => split + LEAP,
    Home: () => 0,
    End: () => 100,
  };
  handle.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    moveTo(step());
  });
  moveTo(split);
}
