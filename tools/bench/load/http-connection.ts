import { connect, type Socket } from "node:net";

const headEnd = Buffer.from("\r\n\r\n");

/** A minimal HTTP client: a keep-alive connection with one request in flight at a time. */
export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #pending: PromiseWithResolvers<string> | undefined;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#parse();
    });
    const fail = (error?: Error) => {
      this.#pending?.reject(error ?? new Error("the server closed the connection"));
      this.#pending = undefined;
    };
    this.#socket.on("error", fail);
    this.#socket.on("close", () => {
      fail();
    });
  }

  /** Sends a complete request. Returns the status line and the body of the response. */
  send(request: string): Promise<string> {
    this.#pending = Promise.withResolvers();
    this.#socket.write(request);
    return this.#pending.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #parse(): void {
    const end = this.#received.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const bodyStart = end + headEnd.length;
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    if (length === undefined) {
      this.#pending?.reject(new Error(`a response without content-length: ${head}`));
      return;
    }
    const bodyEnd = bodyStart + Number(length);
    if (this.#received.length < bodyEnd) return;
    const body = this.#received.toString("utf8", bodyStart, bodyEnd);
    this.#received = this.#received.subarray(bodyEnd);
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve(`${head.slice(0, head.indexOf("\r\n"))}\n${body}`);
  }
}
