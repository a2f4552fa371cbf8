import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { eventually } from "../../../tools/support/eventually.ts";
import { containersIn, Ends, faultsOf, type Container, type End } from "./containers.ts";
import type { ServiceName } from "../../../services/registry.ts";
import type { Engine } from "./engine.ts";
import { execute } from "./execute.ts";

export interface ProjectOptions {
  engine: Engine;
  /** The folder of the project's files. */
  folder: string;
  /** The unique name of the Compose project. */
  name: string;
  /** The port of the load balancer on this machine. */
  port: number;
  signal: AbortSignal;
}

export type Scale = Partial<Record<ServiceName, number>>;

const healthyWithinMs = 90_000;
const checkEveryMs = 250;

/** A shop that Compose runs from the project's files. */
export class Project {
  readonly url: string;
  readonly image: string;
  readonly #options: ProjectOptions;
  readonly #ends = new Ends();
  readonly #events: ChildProcess;

  constructor(options: ProjectOptions) {
    this.#options = options;
    this.url = `http://127.0.0.1:${options.port}`;
    this.image = options.name;
    const filters = ["kill", "die"].flatMap((event) => ["--filter", `event=${event}`]);
    const args = ["events", "--format", "{{json .}}", ...this.#label, ...filters];
    this.#events = spawn("docker", args, {
      env: options.engine.env,
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const { stdout } = this.#events;
    if (stdout !== null) {
      createInterface({ input: stdout }).on("line", (line) => {
        this.#ends.read(line);
      });
    }
  }

  get #label(): string[] {
    return ["--filter", `label=com.docker.compose.project=${this.#options.name}`];
  }

  /** The ends of the project's containers so far. */
  get ends(): readonly End[] {
    return this.#ends.list;
  }

  docker(...args: string[]): Promise<string> {
    const { engine, signal } = this.#options;
    return execute("docker", args, { env: engine.env, signal });
  }

  compose(...args: string[]): Promise<string> {
    return this.#compose(args, this.#options.signal);
  }

  #compose(args: string[], signal?: AbortSignal): Promise<string> {
    const { engine, folder, name, port } = this.#options;
    const [file = "", ...first] = engine.compose;
    const settings = { PORT: String(port), SHOP_IMAGE: this.image, TOKEN_TTL_SECONDS: "86400" };
    const env = { ...engine.env, ...settings };
    return execute(file, [...first, "-p", name, ...args], { cwd: folder, env, signal });
  }

  /** Runs `up -d` with the given replicas, and waits until all containers are healthy. */
  async up(scale?: Scale): Promise<void> {
    const replicas = Object.entries(scale ?? {}).flatMap(([service, number]) => [
      "--scale",
      `${service}=${number}`,
    ]);
    await this.compose("up", "-d", ...replicas);
    await this.healthy();
  }

  /** Waits until every container is healthy or done. */
  async healthy(): Promise<void> {
    await this.#untilHealthy(() => this.containers());
  }

  async #untilHealthy(inspect: () => Promise<Container[]>): Promise<void> {
    const { signal } = this.#options;
    let faults = ["there are no containers"];
    const isHealthy = async () => {
      // An interruption ends the wait.
      if (signal.aborted) return true;
      const containers = await inspect();
      faults = faultsOf(containers);
      return containers.length > 0 && faults.length === 0;
    };
    try {
      await eventually("all containers are healthy", isHealthy, {
        withinMs: healthyWithinMs,
        everyMs: checkEveryMs,
      });
    } catch (error) {
      throw new Error(`not all containers are healthy: ${faults.join(", ")}`, { cause: error });
    }
    signal.throwIfAborted();
  }

  /** Lists all containers of the project or of one service, including ended ones. */
  async containers(service?: string): Promise<Container[]> {
    const ids = await this.docker("ps", "-aq", "--no-trunc", ...this.#label);
    const list = ids.split("\n").filter((id) => id !== "");
    if (list.length === 0) return [];
    // `inspect` fails if a container is removed meanwhile. The callers poll, so they retry.
    const all = containersIn(await this.docker("inspect", ...list).catch(() => "[]"));
    return all
      .filter((container) => service === undefined || container.service === service)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Restarts one container, and waits until it is healthy again. */
  async restart({ id }: Container): Promise<void> {
    await this.docker("restart", id);
    await this.#untilHealthy(async () => containersIn(await this.docker("inspect", id)));
  }

  /** Returns the logs of all containers. */
  logs(): Promise<string> {
    return this.#compose(["logs", "--no-color", "--timestamps"]);
  }

  /** Removes containers, volumes and image, even after an interruption. */
  async remove(): Promise<void> {
    await this.#compose(["down", "-v", "--remove-orphans"]);
    const { env } = this.#options.engine;
    await execute("docker", ["image", "rm", this.image], { env }).catch(() => undefined);
    this.#events.kill();
  }
}
