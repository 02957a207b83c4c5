// Starts the real server for a test, on a port of its own, and ends it again.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";

const START_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 15_000;
const HOW_TO_RUN = "run `cargo xtask test`, which builds and installs all that the tests need";

/** @returns {string} the server's program; throws with advice when there is none */
export function program() {
  const path = process.env.NEGAPHONE_BIN;
  if (!path) throw new Error(`NEGAPHONE_BIN does not name the server's program: ${HOW_TO_RUN}`);
  if (!existsSync(path)) throw new Error(`NEGAPHONE_BIN names ${path}, which is not there: ${HOW_TO_RUN}`);
  return path;
}

/** @param {string} path @returns {string} the same path; throws with advice when nothing is there */
export function mustExist(path) {
  if (!existsSync(path)) throw new Error(`${path} is not installed: ${HOW_TO_RUN}`);
  return path;
}

export class Server {
  #child;

  constructor(child, url) {
    this.#child = child;
    this.url = url;
  }

  /**
   * @param {{port?: number, options?: string[], dataDir?: string}} [how] a free port unless told,
   *   further options, and a folder for messages that outlive the server
   * @returns {Promise<Server>} once it has told its address
   */
  static async start({ port = 0, options: further = [], dataDir } = {}) {
    const history = dataDir ? ["--data-dir", dataDir] : ["--history", "memory"];
    const options = ["serve", "--listen", `127.0.0.1:${port}`, ...history, ...further];
    // The raw TCP doors have fixed ports, and several servers run at a time.
    const env = { ...process.env, NEGAPHONE_TCP_PAIR: "off", NEGAPHONE_TCP_ROOM: "off" };
    const child = spawn(program(), options, { env, stdio: ["ignore", "pipe", "pipe"] });
    // Should the test's process end early, the server does not stay behind.
    process.on("exit", () => child.kill("SIGKILL"));
    return new Server(child, await firstUrl(child));
  }

  /** @returns {number} */
  get port() {
    return Number(new URL(this.url).port);
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child.kill(signal);
  }

  /** Asks the server to end and waits until it has; fails when it does not. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit", { signal: AbortSignal.timeout(STOP_WITHIN_MS) });
    this.#child.kill("SIGTERM");
    await ended;
  }
}

async function firstUrl(child) {
  let said = "";
  return new Promise((resolve, reject) => {
    const giveUp = (why) => reject(new Error(`the server ${why}; it said:\n${said}`));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      giveUp(`told no address within ${START_WITHIN_MS} ms`);
    }, START_WITHIN_MS);
    child.on("error", (error) => giveUp(`could not be started (${error.message})`));
    child.on("exit", (code) => {
      clearTimeout(timer);
      giveUp(`ended with ${code}`);
    });
    child.stderr.on("data", (bytes) => {
      said = (said + bytes).slice(-4_000);
    });
    child.stdout.on("data", (bytes) => {
      said = (said + bytes).slice(-4_000);
      const url = /https?:\/\/\S+/.exec(said)?.[0];
      if (!url || !said.includes("\n")) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
