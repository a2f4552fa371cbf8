import { connect, type Socket } from "node:net";

const headEnd = Buffer.from("\r\n\r\n");

/** A keep-alive connection that has one request under way at a time: as little client as possible. */
export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<string> | undefined;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#take();
    });
    const fail = (error?: Error) => {
      this.#waiting?.reject(error ?? new Error("the server closed the connection"));
      this.#waiting = undefined;
    };
    this.#socket.on("error", fail);
    this.#socket.on("close", () => {
      fail();
    });
  }

  /** Sends a whole request, and gives the status line and the body of its answer. */
  send(request: string): Promise<string> {
    this.#waiting = Promise.withResolvers();
    this.#socket.write(request);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(): void {
    const end = this.#received.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const bodyStart = end + headEnd.length;
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    if (length === undefined) {
      this.#waiting?.reject(new Error(`an answer without its length: ${head}`));
      return;
    }
    const bodyEnd = bodyStart + Number(length);
    if (this.#received.length < bodyEnd) return;
    const body = this.#received.toString("utf8", bodyStart, bodyEnd);
    this.#received = this.#received.subarray(bodyEnd);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(`${head.slice(0, head.indexOf("\r\n"))}\n${body}`);
  }
}
