// Node's Socket.IO server as its documentation shows it: an event to everybody.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { pingInterval: 60_000, pingTimeout: 60_000 });
io.on("connection", (socket) => {
  socket.on("message", (message) => io.emit("message", message));
});
http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 }, () => {
  console.log(`http://127.0.0.1:${http.address().port}`);
});
