// A server and a browser for one file of tests. Pages opened here are closed
// after each test, and whatever they complained of on the console (a breach of
// the content security policy, say) fails the test.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before } from "node:test";
import { chromium } from "playwright-core";
import { Server, mustExist } from "./server.mjs";

const CHROMIUM = "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const WAIT_MS = 20_000;
/** What a browser and htmx say, rightly, while there is no server. */
const SERVER_AWAY = /^WebSocket connection to '[^']*' failed|^(htmx: )?htmx:ws:?error|^\[object Event\]$/i;

export class Site {
  #contexts = [];
  #faults = [];
  #allowed = [];
  #start = {};
  server = null;

  /**
   * Registers the hooks of the calling test file.
   * @param {string[]} [options] further options of the server
   * @param {string[]} [further] arguments of the browser
   * @param {{keeps?: boolean}} [messages] whether they outlive the server
   * @returns {Site}
   */
  static forThisFile(options = [], further = [], { keeps = false } = {}) {
    const site = new Site();
    before(async () => {
      const dataDir = keeps ? await mkdtemp(join(tmpdir(), "negaphone-")) : undefined;
      site.#start = { options, dataDir };
      site.server = await Server.start(site.#start);
      site.browser = await chromium.launch({ executablePath: mustExist(CHROMIUM), args: [...ARGUMENTS, ...further] });
    });
    afterEach(() => site.#endTest());
    after(async () => {
      await site.browser?.close();
      await site.server?.stop();
      if (site.#start.dataDir) await rm(site.#start.dataDir, { recursive: true });
    });
    return site;
  }

  /**
   * Opens the page as a person of their own, connected and ready.
   * @param {{room?: string, name?: string, prepare?: (page: import("playwright-core").Page) => Promise<void>}} [who]
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async open({ room, name, prepare } = {}, options = {}) {
    const query = room ? `?${new URLSearchParams({ room })}` : "";
    const page = await this.visit(query, prepare, options);
    await connected(page);
    if (name) {
      await page.fill("#name", name);
      await page.press("#name", "Enter");
      await page.waitForSelector("#status[data-state=connected]");
    }
    return page;
  }

  /**
   * Opens any page as a person of their own.
   * @param {string} url relative to the server's address, or whole
   * @param {(page: import("playwright-core").Page) => Promise<void>} [prepare]
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async visit(url, prepare, options = {}) {
    const context = await this.browser.newContext({ reducedMotion: "reduce", ...options });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on("pageerror", (error) => this.#faults.push(`${error.stack ?? error}`));
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      if (this.#allowed.some((complaint) => complaint.test(message.text()))) return;
      this.#faults.push(message.text());
    });
    await prepare?.(page);
    await page.goto(new URL(url, this.server.url).href);
    return page;
  }

  /** Until the end of the test a browser may complain so. */
  allow(complaint) {
    this.#allowed.push(complaint);
  }

  /** Ends the server; until the end of the test a browser may complain of its absence. */
  async stopServer() {
    this.allow(SERVER_AWAY);
    await this.server.stop();
  }

  /** Starts another server on the same port. */
  async startServerAgain() {
    this.server = await Server.start({ ...this.#start, port: this.server.port });
  }

  async #endTest() {
    const faults = this.#faults;
    this.#faults = [];
    this.#allowed = [];
    for (const context of this.#contexts.splice(0)) await context.close();
    assert.deepEqual(faults, [], "the page complained on the console");
  }
}

/** @param {import("playwright-core").Page} page */
export async function connected(page) {
  await page.waitForSelector("#status[data-state=connected]");
}

/** Waits until the page tells that so many are in its room, by whatever door. */
export async function counts(page, members) {
  await page.locator("#members").getByText(`${members} here`, { exact: true }).waitFor();
}

/** Types a message and sends it. */
export async function say(page, text) {
  await page.fill("#text", text);
  await page.press("#text", "Enter");
}

/** Waits until the page shows a stored message with just this text. */
export async function hears(page, text) {
  const message = page.locator("#messages li[data-offset]:not([data-state])").filter({
    has: page.getByText(text, { exact: true }),
  });
  await message.first().waitFor();
  return message;
}

/** @returns {Promise<{from: string, text: string}[]>} the stored messages, as shown */
export async function conversation(page) {
  return page.locator("#messages li[data-offset]").evaluateAll((items) =>
    items.map((item) => ({
      from: item.querySelector(".from").textContent,
      text: item.querySelector(".bubble").textContent,
    })),
  );
}
