import { eventually } from "../../support/eventually.ts";
import { isListening } from "../../support/nats-server.ts";
import { find, natsServer, PrerequisiteError } from "../../support/prerequisites.ts";
import { freePort } from "../../support/processes.ts";
import { Child } from "./child.ts";

/** A nats-server, which keeps its port when it is restarted. */
export class Nats {
  readonly port: number;
  readonly #file: string;
  readonly #folder: string;
  #server: Child | undefined;

  private constructor(file: string, port: number, folder: string) {
    this.#file = file;
    this.port = port;
    this.#folder = folder;
  }

  static async create(folder: string): Promise<Nats> {
    const file = find(natsServer);
    if (file === undefined) throw new PrerequisiteError(natsServer.help);
    return new Nats(file, await freePort(), folder);
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    this.#server = new Child({
      file: this.#file,
      args: ["--addr", "127.0.0.1", "--port", String(this.port)],
      env: {},
      folder: this.#folder,
      logFile: `${this.#folder}/nats-server.log`,
    });
    await eventually("nats-server listening", () => isListening(this.port));
  }

  async kill(): Promise<void> {
    await this.#server?.kill();
    this.#server = undefined;
  }
}
