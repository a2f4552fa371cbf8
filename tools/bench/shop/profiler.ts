import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { WebSocket } from "ws";

/** Takes CPU profiles of a process over its inspector (Chrome DevTools protocol). */
export class Profiler {
  readonly #socket: WebSocket;
  readonly #folder: string;
  #lastId = 0;
  readonly #pending = new Map<number, (result: unknown) => void>();

  private constructor(socket: WebSocket, folder: string) {
    this.#socket = socket;
    this.#folder = folder;
    socket.on("message", (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString("utf8")) as { id?: number; result?: unknown };
      if (id !== undefined) this.#pending.get(id)?.(result);
    });
  }

  /**
   * Connects to the inspector of a process of this machine.
   *
   * @param port the port of `--inspect=PORT`
   * @param folder the folder of the profiles
   */
  static async connect(port: number, folder: string): Promise<Profiler> {
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await targets.json()) as { webSocketDebuggerUrl: string }[];
    if (target === undefined) throw new Error(`no process to profile on inspector port ${port}`);
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const profiler = new Profiler(socket, folder);
    await profiler.#send("Profiler.enable");
    return profiler;
  }

  start(): Promise<unknown> {
    return this.#send("Profiler.start");
  }

  /** Ends the profile and writes it to a `.cpuprofile` file for Chromium or an editor. */
  async stop(name: string): Promise<void> {
    const { profile } = (await this.#send("Profiler.stop")) as { profile: unknown };
    writeFileSync(join(this.#folder, `${name}.cpuprofile`), JSON.stringify(profile));
  }

  close(): void {
    this.#socket.close();
  }

  #send(method: string): Promise<unknown> {
    const id = (this.#lastId += 1);
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }
}
