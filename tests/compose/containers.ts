/** A container as the engine describes it. */
export interface Container {
  id: string;
  name: string;
  /** Of the compose file. */
  service: string;
  isRunning: boolean;
  /** undefined: it has no health check. */
  health: string | undefined;
  exitCode: number;
  startedAtMs: number;
}

interface Inspected {
  Id: string;
  Name: string;
  State: {
    Running: boolean;
    ExitCode: number;
    StartedAt: string;
    Health?: { Status: string };
  };
  Config: { Labels: Record<string, string> };
}

const serviceLabel = "com.docker.compose.service";

/** Reads what `docker inspect` writes. */
export function containersIn(json: string): Container[] {
  return (JSON.parse(json) as Inspected[]).map(({ Id, Name, State, Config }) => ({
    id: Id,
    name: Name.replace("/", ""),
    service: Config.Labels[serviceLabel] ?? "",
    isRunning: State.Running,
    health: State.Health?.Status,
    exitCode: State.ExitCode,
    startedAtMs: Date.parse(State.StartedAt),
  }));
}

/** The shop's own programs, which have to end by themselves. */
export const nodeServices = ["users", "products", "orders", "api"] as const;

export function isNode({ service }: Pick<Container, "service">): boolean {
  return (nodeServices as readonly string[]).includes(service);
}

/** What is not as `up` should leave it. */
export function faultsOf(containers: readonly Container[]): string[] {
  return containers.flatMap(({ name, service, isRunning, health, exitCode }) => {
    // It has done its work, and is gone.
    const isDone = service === "secrets" && !isRunning && exitCode === 0;
    const isWell = isRunning && health === "healthy";
    return isDone || isWell ? [] : [`${name} is ${isRunning ? String(health) : "not running"}`];
  });
}

/** The end of a container. */
export interface End {
  container: string;
  service: string;
  exitCode: number;
  /** From the first signal; undefined: it got none. */
  tookMs: number | undefined;
}

interface EngineEvent {
  Action?: string;
  timeNano: number;
  Actor: { ID: string; Attributes: Record<string, string> };
}

/** Follows what `docker events` writes about the ends of containers, a line of JSON for each. */
export class Ends {
  readonly list: End[] = [];
  readonly #signalledAtNs = new Map<string, number>();

  read(line: string): void {
    const { Action, timeNano, Actor } = JSON.parse(line) as EngineEvent;
    const attributes = Actor.Attributes;
    if (Action === "kill" && !this.#signalledAtNs.has(Actor.ID)) {
      this.#signalledAtNs.set(Actor.ID, timeNano);
    }
    if (Action !== "die") return;
    const atNs = this.#signalledAtNs.get(Actor.ID);
    this.#signalledAtNs.delete(Actor.ID);
    this.list.push({
      container: attributes.name ?? Actor.ID,
      service: attributes[serviceLabel] ?? "",
      exitCode: Number(attributes.exitCode),
      tookMs: atNs === undefined ? undefined : (timeNano - atNs) / 1e6,
    });
  }
}
