import { serviceNames, type ServiceName } from "../../../services/registry.ts";

/** A container, from `docker inspect`. */
export interface Container {
  id: string;
  name: string;
  /** The name of its service in the compose file. */
  service: string;
  isRunning: boolean;
  /** undefined if the container has no health check. */
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

/** Parses the output of `docker inspect`. */
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

/** Returns whether a container runs a node of the shop, which must stop by itself. */
export function isNode({ service }: Pick<Container, "service">): boolean {
  return serviceNames.includes(service as ServiceName);
}

/** Lists the containers that are not in the state in which `up` must leave them. */
export function faultsOf(containers: readonly Container[]): string[] {
  return containers.flatMap(({ name, service, isRunning, health, exitCode }) => {
    // The container `secrets` writes its files and ends.
    const isDone = service === "secrets" && !isRunning && exitCode === 0;
    const isHealthy = isRunning && health === "healthy";
    return isDone || isHealthy ? [] : [`${name} is ${isRunning ? String(health) : "not running"}`];
  });
}

/** The end of a container. */
export interface End {
  container: string;
  service: string;
  exitCode: number;
  /** The time since the first signal. undefined if the container got no signal. */
  tookMs: number | undefined;
}

interface EngineEvent {
  Action?: string;
  timeNano: number;
  Actor: { ID: string; Attributes: Record<string, string> };
}

/** Collects the ends of containers from the JSON lines of `docker events`. */
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
