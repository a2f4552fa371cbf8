import { writeFileSync } from "node:fs";
import { WebSocket } from "ws";

/** Takes CPU profiles of a process that listens for its inspector. */
export class Profiler {
  readonly #socket: WebSocket;
  #lastId = 0;
  readonly #waiting = new Map<number, (result: unknown) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString("utf8")) as { id?: number; result?: unknown };
      if (id !== undefined) this.#waiting.get(id)?.(result);
    });
  }

  /** @param port where the process listens, by `--inspect=PORT` */
  static async connect(port: number): Promise<Profiler> {
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await targets.json()) as { webSocketDebuggerUrl: string }[];
    if (target === undefined) throw new Error("there is nothing to profile");
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const profiler = new Profiler(socket);
    await profiler.#ask("Profiler.enable");
    return profiler;
  }

  start(): Promise<unknown> {
    return this.#ask("Profiler.start");
  }

  /** Ends the profile, and writes it where Chromium's and editors' tools can open it. */
  async stop(file: string): Promise<void> {
    const { profile } = (await this.#ask("Profiler.stop")) as { profile: unknown };
    writeFileSync(file, JSON.stringify(profile));
  }

  close(): void {
    this.#socket.close();
  }

  #ask(method: string): Promise<unknown> {
    const id = (this.#lastId += 1);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }
}
