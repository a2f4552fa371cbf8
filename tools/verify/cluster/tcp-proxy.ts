import { connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** Receives the bytes of a client and decides when to send which bytes to the server. */
export type Passage = (bytes: Buffer, send: (bytes: Buffer) => void) => void;

/** A TCP proxy between a node and a server, which can cut the connections. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #rejectsUntilMs = 0;

  private constructor(target: NetConnectOpts, passageOf: () => Passage) {
    this.#server = createServer((client) => {
      this.#accept(client, target, passageOf());
    });
  }

  /**
   * Opens a proxy on a free port.
   *
   * @param passageOf creates the passage of each connection
   */
  static async open(
    target: NetConnectOpts,
    passageOf: () => Passage = () => (bytes, send) => {
      send(bytes);
    },
  ): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, passageOf);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections and rejects new ones for a while. Returns the number of cut connections. */
  cut(rejectForMs: number): number {
    this.#rejectsUntilMs = performance.now() + rejectForMs;
    const cut = this.#pairs.size;
    for (const [client, server] of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
    this.#pairs.clear();
    return cut;
  }

  /** Accepts new connections again. */
  heal(): void {
    this.#rejectsUntilMs = 0;
  }

  close(): void {
    this.cut(Infinity);
    this.#server.close();
  }

  #accept(client: Socket, target: NetConnectOpts, passage: Passage): void {
    if (performance.now() < this.#rejectsUntilMs) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(target);
    const pair: [Socket, Socket] = [client, server];
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of pair) socket.setNoDelay(true).on("error", end).on("close", end);
    server.on("data", (bytes) => {
      if (client.writable) client.write(bytes);
    });
    client.on("data", (bytes) => {
      passage(bytes, (passed) => {
        if (server.writable) server.write(passed);
      });
    });
  }
}
