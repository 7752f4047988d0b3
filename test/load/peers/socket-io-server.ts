import { createServer, type IncomingMessage } from "node:http";
import { Server } from "socket.io";

/** Socket.IO with its websocket transport only: an HTTP POST is emitted to everybody. */
const port = Number(process.argv[2]);
const server = createServer();
// As rare as it can be: its heartbeat goes to each socket by a timer of its own, and is not what is measured.
const io = new Server(server, {
  transports: ["websocket"],
  pingInterval: 3_600_000,
  perMessageDeflate: false,
});
let offset = 0;

server.on("request", async (request: IncomingMessage, response) => {
  if (request.url?.startsWith("/socket.io/")) return;
  if (request.method !== "POST") return response.end("ok");
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: unknown };
  offset += 1;
  io.emit("message", { offset, data });
  const answer = JSON.stringify({ offset });
  response.writeHead(201, { "Content-Length": Buffer.byteLength(answer) }).end(answer);
});
server.listen(port, "127.0.0.1");
