// The live camera: each frame beside its negative, how many a second, and how
// old they are. The newest frame wins; what there is no time for is left out.

import { CameraLink } from "./camera-link.js";
import { CameraSource, stopTracks } from "./camera-source.js";
import { announce, byId } from "./dom.js";
import { Pace } from "./pace.js";
import { cameraWords } from "./words.js";

const FACTS_EVERY_MS = 500;

/** Makes the camera's buttons work. */
export function startCamera() {
  let run = null;
  const strip = byId("live");
  const show = (state, words) => {
    strip.dataset.state = state;
    byId("live-words").textContent = words;
    byId("camera-label").textContent = state === "failed" ? "Camera" : "Stop camera";
  };
  const stop = () => {
    run?.stop();
    run = null;
  };
  const start = () => {
    strip.hidden = false;
    show("starting", "Asking for the camera…");
    strip.scrollIntoView({ block: "nearest" });
    run = new CameraRun({
      onRunning: () => show("running", ""),
      onBusy: () => show("running", cameraWords("overloaded")),
      onFailed: (code, message) => {
        stop();
        show("failed", cameraWords(code, message));
        announce(cameraWords(code, message));
      },
    });
  };
  const close = () => {
    stop();
    strip.hidden = true;
    byId("camera-label").textContent = "Camera";
  };
  byId("camera").addEventListener("click", () => (run === null ? start() : close()));
  byId("live-stop").addEventListener("click", () => {
    close();
    byId("camera").focus();
  });
  // A page that is kept for the way back must not keep the camera.
  addEventListener("pagehide", close);
}

/** From one press of the button to the end. */
class CameraRun {
  #events;
  #stopped = false;
  #source = null;
  #link = null;
  #pace = null;
  #timer = 0;
  /** There is a frame that was not sent. */
  #fresh = false;
  #grabbing = false;
  #taken = 0;
  #shown = 0;

  /** @param {{onRunning: () => void, onBusy: () => void, onFailed: (code: string, message: string) => void}} events */
  constructor(events) {
    this.#events = events;
    this.#begin();
  }

  /** Lets go of camera and connection. */
  stop() {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#source?.close();
    this.#link?.close();
  }

  async #begin() {
    let stream;
    try {
      stream = await CameraSource.ask();
    } catch (error) {
      this.#fail(error.name, error.message);
      return;
    }
    // Somebody may have thought better of it while the browser was asking.
    if (this.#stopped) {
      stopTracks(stream);
      return;
    }
    this.#link = new CameraLink({
      onRoom: () => this.#feed(),
      onNegative: (frame, bytes) => this.#develop(frame, bytes),
      onBusy: (frame) => {
        this.#source.giveBack(frame);
        this.#events.onBusy();
      },
      onFailed: (code, message) => this.#fail(code, message),
    });
    this.#source = new CameraSource(stream, {
      onFrame: () => {
        this.#fresh = true;
        this.#feed();
      },
      onEnded: () => this.#fail("ended", ""),
    });
    this.#timer = setInterval(() => this.#showFacts(), FACTS_EVERY_MS);
  }

  #fail(code, message) {
    if (!this.#stopped) this.#events.onFailed(code, message);
  }

  async #feed() {
    if (!this.#fresh || this.#grabbing || this.#stopped || !this.#link.hasRoom) return;
    this.#fresh = false;
    this.#grabbing = true;
    const frame = await this.#source.grab();
    this.#grabbing = false;
    if (this.#stopped || frame === null) return;
    this.#taken += 1;
    // Meanwhile the connection may have been lost, or the server be busy.
    if (this.#link.hasRoom) this.#link.send(Object.assign(frame, { number: this.#taken }));
    else this.#source.giveBack(frame);
    this.#feed();
  }

  async #develop(frame, bytes) {
    let negative;
    try {
      negative = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    } catch {
      this.#fail("unknown", "the negative could not be read");
      return;
    }
    // Decoding need not end in order; an older frame is not shown after a newer one.
    if (!this.#stopped && frame.number > this.#shown) this.#show(frame, negative);
    negative.close();
    this.#source.giveBack(frame);
  }

  #show(frame, negative) {
    const isFirst = this.#shown === 0;
    this.#shown = frame.number;
    draw("live-original", frame.canvas);
    draw("live-negative", negative);
    const now = performance.now();
    this.#pace ??= new Pace(frame.takenAt);
    this.#pace.note(frame.takenAt, now);
    if (isFirst || byId("live-words").textContent !== "") this.#events.onRunning();
    if (isFirst) this.#showFacts();
  }

  #showFacts() {
    const pace = this.#pace?.read(performance.now());
    const { width, height } = byId("live-original");
    byId("live-rate").textContent = pace ? `${Math.round(pace.perSecond)} frames/s` : "";
    byId("live-latency").textContent = pace ? `${millis(pace.medianMs)}, 95 % within ${millis(pace.p95Ms)}` : "";
    byId("live-size").textContent = pace ? `${width}×${height}` : "";
  }
}

function draw(id, picture) {
  const canvas = byId(id);
  if (canvas.width !== picture.width) canvas.width = picture.width;
  if (canvas.height !== picture.height) canvas.height = picture.height;
  canvas.getContext("2d", { alpha: false }).drawImage(picture, 0, 0);
}

function millis(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
