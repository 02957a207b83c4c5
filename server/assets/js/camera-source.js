// The browser's camera: says when there is a new frame, and makes a JPEG of
// the present one. Knows no server and nothing of where frames are shown.

/** The longer side of what is sent. Chosen: a frame is some 40 KB and takes the server less than a millisecond. */
const SIDE_MAX = 640;
const QUALITY = 0.8;
const WANTED = {
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } },
  audio: false,
};

/**
 * @typedef {object} Frame
 * @property {HTMLCanvasElement} canvas the picture as it was sent
 * @property {Blob} jpeg
 * @property {number} takenAt
 */

export class CameraSource {
  #stream;
  #video = document.createElement("video");
  /** Canvases of frames that were shown, for further ones. */
  #spare = [];
  #closed = false;

  /**
   * Asks for the camera; fails with a DOMException whose name says why.
   * @returns {Promise<MediaStream>}
   */
  static ask() {
    // Browsers have no camera for a page that others on the way could change.
    if (!navigator.mediaDevices) return Promise.reject(new DOMException("no secure context", "SecurityError"));
    return navigator.mediaDevices.getUserMedia(WANTED);
  }

  /**
   * @param {MediaStream} stream
   * @param {{onFrame: () => void, onEnded: () => void}} events
   */
  constructor(stream, { onFrame, onEnded }) {
    this.#stream = stream;
    for (const track of stream.getTracks()) track.addEventListener("ended", onEnded);
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#video.srcObject = stream;
    // Safari plays only what it is told to; when it will not, the ended track or the silence says so.
    this.#video.play().catch(() => {});
    this.#watch(onFrame);
  }

  /** @returns {Promise<Frame | null>} null where the browser makes no JPEG of it */
  async grab() {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, SIDE_MAX / Math.max(videoWidth, videoHeight));
    const canvas = this.#spare.pop() ?? document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(videoWidth * scale));
    canvas.height = Math.max(1, Math.round(videoHeight * scale));
    const takenAt = performance.now();
    canvas.getContext("2d", { alpha: false }).drawImage(this.#video, 0, 0, canvas.width, canvas.height);
    const jpeg = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return jpeg === null ? null : { canvas, jpeg, takenAt };
  }

  /** @param {Frame} frame is not needed any more */
  giveBack({ canvas }) {
    this.#spare.push(canvas);
  }

  /** Lets go of the camera: its light goes out. */
  close() {
    this.#closed = true;
    stopTracks(this.#stream);
    this.#video.srcObject = null;
    this.#spare = [];
  }

  #watch(onFrame) {
    const next = () => {
      if (this.#closed) return;
      this.#wait(next);
      if (this.#video.videoWidth > 0) onFrame();
    };
    this.#wait(next);
  }

  #wait(next) {
    // Once a frame of the camera; where that is not known, once a frame of the screen.
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(next);
    else requestAnimationFrame(next);
  }
}

/** @param {MediaStream} stream */
export function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}
