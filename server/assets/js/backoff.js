// How long to wait before the next attempt: exponential with full jitter, so
// that a crowd which lost its server does not come back in step. Owns no timer.

const BASE_MS = 500;
const CAP_MS = 30_000;

export class Backoff {
  #attempts = 0;

  /** @returns {number} milliseconds until the next attempt, longer each time on average */
  next() {
    const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** this.#attempts);
    // Bounded, so that the power stays a finite number however long the server is away.
    this.#attempts = Math.min(this.#attempts + 1, 16);
    return Math.random() * ceiling;
  }

  /** The other side was well for a while: the next wait is a short one again. */
  reset() {
    this.#attempts = 0;
  }
}
