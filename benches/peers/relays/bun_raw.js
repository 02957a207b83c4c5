// Bun's relay as its documentation shows it: what one says is published to all, as it came.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response("a WebSocket is wanted", { status: 426 });
  },
  websocket: {
    idleTimeout: 0,
    maxPayloadLength: 1 << 20,
    perMessageDeflate: false,
    open(socket) {
      socket.subscribe("room");
    },
    message(_, message) {
      server.publish("room", message);
    },
  },
});
console.log(`http://127.0.0.1:${server.port}`);
