// Node's ws as its documentation shows it: a loop over all clients.
import { WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  backlog: 4096,
  perMessageDeflate: false,
});
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (message, isBinary) => {
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(message, { binary: isBinary });
    }
  });
});
server.on("listening", () => console.log(`http://127.0.0.1:${server.address().port}`));
