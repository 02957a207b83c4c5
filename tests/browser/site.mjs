// A server and a browser for one file of tests. Pages opened here are closed
// after each test, and whatever they complained of on the console (a breach of
// the content security policy, say) fails the test.

import assert from "node:assert/strict";
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
/** What a browser says, rightly, while there is no server. */
const SERVER_AWAY = /^WebSocket connection to '[^']*' failed/;

export class Site {
  #contexts = [];
  #faults = [];
  #awayAllowed = false;
  server = null;

  /**
   * Registers the hooks of the calling test file.
   * @param {string[]} [options] further options of the server
   * @param {string[]} [further] arguments of the browser
   * @returns {Site}
   */
  static forThisFile(options = [], further = []) {
    const site = new Site();
    before(async () => {
      site.server = await Server.start({ options });
      site.browser = await chromium.launch({ executablePath: mustExist(CHROMIUM), args: [...ARGUMENTS, ...further] });
    });
    afterEach(() => site.#endTest());
    after(async () => {
      await site.browser?.close();
      await site.server?.stop();
    });
    return site;
  }

  /**
   * Opens the page as a person of their own, connected and ready.
   * @param {{room?: string, name?: string, prepare?: (page: import("playwright-core").Page) => Promise<void>}} [who]
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async open({ room, name, prepare } = {}, options = {}) {
    const context = await this.browser.newContext({ reducedMotion: "reduce", ...options });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on("pageerror", (error) => this.#faults.push(`${error.stack ?? error}`));
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      if (this.#awayAllowed && SERVER_AWAY.test(message.text())) return;
      this.#faults.push(message.text());
    });
    await prepare?.(page);
    const url = new URL(this.server.url);
    if (room) url.searchParams.set("room", room);
    await page.goto(url.href);
    await connected(page);
    if (name) {
      await page.fill("#name", name);
      await page.press("#name", "Enter");
      await page.waitForSelector("#status[data-state=connected]");
    }
    return page;
  }

  /** Ends the server; until the end of the test a browser may complain of its absence. */
  async stopServer() {
    this.#awayAllowed = true;
    await this.server.stop();
  }

  /** Starts another server on the same port. */
  async startServerAgain() {
    this.server = await Server.start({ port: this.server.port });
  }

  async #endTest() {
    const faults = this.#faults;
    this.#faults = [];
    this.#awayAllowed = false;
    for (const context of this.#contexts.splice(0)) await context.close();
    assert.deepEqual(faults, [], "the page complained on the console");
  }
}

/** @param {import("playwright-core").Page} page */
export async function connected(page) {
  await page.waitForSelector("#status[data-state=connected]");
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
