import { connect, type Socket } from "node:net";

/** The answer to one request. */
export interface Answer {
  status: number;
  body: string;
}

/** One keep-alive connection with one request under way: the least that a client of HTTP can cost. */
export class HttpLane {
  readonly #socket: Socket;
  #heard = "";
  #answered: { resolve: (answer: Answer) => void; reject: (cause: Error) => void } | undefined;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => this.#data(text));
    const lost = () => this.#answered?.reject(new Error("the server ended the connection"));
    this.#socket.on("error", lost);
    this.#socket.on("close", lost);
  }

  /** Sends a whole request and waits for its answer. Rejects when the connection ends first. */
  ask(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#answered = { resolve, reject };
      this.#socket.write(request);
    });
  }

  end(): void {
    this.#answered = undefined;
    this.#socket.destroy();
  }

  #data(text: string): void {
    this.#heard += text;
    const head = this.#heard.indexOf("\r\n\r\n");
    if (head === -1) return;
    const body = bodyOf(this.#heard.slice(0, head), this.#heard.slice(head + 4));
    if (body === undefined) return;
    const status = Number(this.#heard.slice(9, 12));
    this.#heard = "";
    const { resolve } = this.#answered ?? {};
    this.#answered = undefined;
    resolve?.({ status, body });
  }
}

function bodyOf(head: string, rest: string): string | undefined {
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return rest.length >= Number(length) ? rest : undefined;
  return rest.endsWith("0\r\n\r\n") ? rest : undefined; // chunked, with the sizes between: whoever reads it looks for a word
}

/** The text of a POST with this body. */
export function postText(path: string, headers: string[], body: string): string {
  const lines = [`POST ${path} HTTP/1.1`, "Host: 127.0.0.1", ...headers, "Content-Type: application/json"];
  return `${lines.join("\r\n")}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
