// The same with JSON: parses what one says, and publishes what negaphone's native door would.
let offset = 0;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    const query = new URL(request.url).searchParams;
    const data = { room: query.get("room"), name: query.get("name") };
    return server.upgrade(request, { data }) ? undefined : new Response("a WebSocket is wanted", { status: 426 });
  },
  websocket: {
    idleTimeout: 0,
    maxPayloadLength: 1 << 20,
    perMessageDeflate: false,
    open(socket) {
      socket.subscribe("room");
    },
    message(socket, message) {
      const { type, text, id } = JSON.parse(message);
      if (type !== "chat" || typeof text !== "string") return;
      offset += 1;
      const { room, name: from } = socket.data;
      server.publish("room", JSON.stringify({ type, room, offset, time: new Date().toISOString(), from, text, id }));
    },
  },
});
console.log(`http://127.0.0.1:${server.port}`);
