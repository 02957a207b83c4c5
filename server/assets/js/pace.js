// How many frames a second, and how old they are when they are seen. Pure.

const WINDOW_MS = 3_000;

/** Looks back over the last seconds. */
export class Pace {
  #begunAt;
  /** @type {{at: number, latencyMs: number}[]} the oldest first */
  #frames = [];

  /** @param {number} now in milliseconds, as all times here */
  constructor(now) {
    this.#begunAt = now;
  }

  /**
   * A frame is seen.
   * @param {number} takenAt when it was taken
   * @param {number} now
   */
  note(takenAt, now) {
    this.#frames.push({ at: now, latencyMs: now - takenAt });
    this.#forget(now);
  }

  /**
   * @param {number} now
   * @returns {{perSecond: number, medianMs: number, p95Ms: number} | null} null while there is nothing to look back at
   */
  read(now) {
    this.#forget(now);
    if (this.#frames.length === 0) return null;
    const seconds = Math.min(WINDOW_MS, Math.max(1, now - this.#begunAt)) / 1_000;
    const latencies = this.#frames.map(({ latencyMs }) => latencyMs).sort((one, other) => one - other);
    const quantile = (part) => latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))];
    return { perSecond: latencies.length / seconds, medianMs: quantile(0.5), p95Ms: quantile(0.95) };
  }

  #forget(now) {
    while (this.#frames.length > 0 && this.#frames[0].at < now - WINDOW_MS) this.#frames.shift();
  }
}
