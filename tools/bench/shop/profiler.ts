import { WebSocket } from "ws";
import type { CpuProfile } from "./cpu-profile.ts";

/** Takes CPU profiles of a process over its inspector (Chrome DevTools protocol). */
export class Profiler {
  readonly #socket: WebSocket;
  #lastId = 0;
  readonly #pending = new Map<number, (result: unknown) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString("utf8")) as { id?: number; result?: unknown };
      if (id !== undefined) this.#pending.get(id)?.(result);
    });
  }

  /**
   * Connects to the inspector of a process of this machine.
   *
   * @param port the port of `--inspect=PORT`
   */
  static async connect(port: number): Promise<Profiler> {
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await targets.json()) as { webSocketDebuggerUrl: string }[];
    if (target === undefined) throw new Error(`no process to profile on inspector port ${port}`);
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const profiler = new Profiler(socket);
    await profiler.#send("Profiler.enable");
    return profiler;
  }

  start(): Promise<unknown> {
    return this.#send("Profiler.start");
  }

  /** Ends the profile and returns it. */
  async stop(): Promise<CpuProfile> {
    const { profile } = (await this.#send("Profiler.stop")) as { profile: CpuProfile };
    return profile;
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
