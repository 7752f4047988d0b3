import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

/** The loop that the README of `ws` shows, with a text that is encoded once: an HTTP POST goes to every client. */
const port = Number(process.argv[2]);
const server = createServer(async (request, response) => {
  if (request.method !== "POST") {
    response.end("ok");
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: unknown };
  offset += 1;
  const frame = Buffer.from(JSON.stringify({ type: "message", offset, data }));
  for (const client of sockets.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(frame, { binary: false });
  }
  const answer = JSON.stringify({ offset });
  response.writeHead(201, { "Content-Length": Buffer.byteLength(answer) }).end(answer);
});
let offset = 0;
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
server.listen(port, "127.0.0.1");
