// A site of somebody else, with pages of its own and the server below `/ws/`
// as behind a reverse proxy that keeps Host.

import { once } from "node:events";
import { createServer, request } from "node:http";

export class Host {
  #http;
  #open = new Set();

  /**
   * @param {() => number} port at which the server listens
   * @param {(path: string) => Promise<{type: string, body: string | Buffer}>} page
   * @returns {Promise<Host>}
   */
  static async start(port, page) {
    const host = new Host();
    host.#http = createServer(async ({ url }, response) => {
      const { type, body } = await page(url);
      response.setHeader("Content-Type", type).end(body);
    });
    host.#http.on("upgrade", (asked, socket) => host.#forward(port(), asked, socket));
    host.#http.listen(0, "127.0.0.1");
    await once(host.#http, "listening");
    host.url = `http://127.0.0.1:${host.#http.address().port}/`;
    return host;
  }

  #forward(port, { url, headers }, socket) {
    this.#open.add(socket);
    socket.on("close", () => this.#open.delete(socket)).on("error", () => socket.destroy());
    const upstream = request({ host: "127.0.0.1", port, path: url, headers });
    upstream.on("error", () => socket.destroy());
    upstream.on("response", () => socket.destroy());
    upstream.on("upgrade", ({ rawHeaders }, server, first) => {
      const lines = rawHeaders.map((text, at) => (at % 2 ? `${text}\r\n` : `${text}: `));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
      socket.write(first);
      server.on("error", () => socket.destroy());
      socket.on("close", () => server.destroy());
      server.pipe(socket).pipe(server);
    });
    upstream.end();
  }

  async stop() {
    for (const socket of this.#open) socket.destroy();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }
}
