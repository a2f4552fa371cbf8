import { domainServices } from "../../../services/registry.ts";
import { eventually } from "../../../tools/support/eventually.ts";
import { freePort, startCommand, type Program } from "../../../tools/support/processes.ts";
import type { TestDatabases } from "../databases.ts";

/** A version of the shop: its sources and services. */
export interface Version {
  project: string;
  services: string;
}

/** A node whose health checks answer at the URL. */
interface RunningNode {
  program: Program;
  url: string;
}

/**
 * A cluster with a node of all services and a gateway. A new node is ready before the former one
 * stops, as with `maxSurge: 1` and `maxUnavailable: 0` in Kubernetes.
 */
export class RollingShop {
  readonly #settings: Record<string, string>;
  readonly #urls: Record<string, string>;
  readonly #gatewayUrls: string[];
  readonly #responses: () => Promise<void>;
  #services: RunningNode | undefined;
  #gateway: RunningNode | undefined;

  /**
   * @param gatewayUrls gets the URLs of the gateways that take requests
   * @param responses waits until the clients have got some responses
   */
  constructor(
    settings: Record<string, string>,
    databases: TestDatabases,
    gatewayUrls: string[],
    responses: () => Promise<void>,
  ) {
    this.#settings = { HOST: "127.0.0.1", LOG_LEVEL: "warn", DB_POOL_MAX: "5", ...settings };
    this.#urls = Object.fromEntries(
      domainServices.map((name) => [`${name.toUpperCase()}_DB_URL`, databases.urls[name]]),
    );
    this.#gatewayUrls = gatewayUrls;
    this.#responses = responses;
  }

  async start(version: Version): Promise<void> {
    this.#services = await this.#startServices(version);
    this.#gateway = await this.#startGateway(version);
    this.#gatewayUrls.push(this.#gateway.url);
  }

  /** Replaces the node of the services. For some responses, nodes of both versions run. */
  async replaceServices(version: Version): Promise<void> {
    const former = this.#services;
    this.#services = await this.#startServices(version);
    await this.#responses();
    if (former !== undefined) await stop(former);
    await this.#responses();
  }

  /** Replaces the gateway, as a load balancer does: a stopping gateway gets no new requests. */
  async replaceGateway(version: Version): Promise<void> {
    const former = this.#gateway;
    this.#gateway = await this.#startGateway(version);
    this.#gatewayUrls.push(this.#gateway.url);
    await this.#responses();
    this.#gatewayUrls.shift();
    if (former !== undefined) await stop(former);
    await this.#responses();
  }

  async #startServices({ project, services }: Version): Promise<RunningNode> {
    const port = await freePort();
    const settings = { SERVICES: services, HEALTH_PORT: String(port), ...this.#urls };
    return this.#startNode(settings, port, project);
  }

  async #startGateway({ project }: Version): Promise<RunningNode> {
    const port = await freePort();
    return this.#startNode({ SERVICES: "api", PORT: String(port) }, port, project);
  }

  async #startNode(
    settings: Record<string, string>,
    port: number,
    project: string,
  ): Promise<RunningNode> {
    const program = startCommand("serve", { ...this.#settings, ...settings }, project);
    const node = { program, url: `http://127.0.0.1:${port}` };
    await untilReady(node);
    return node;
  }
}

async function untilReady({ program, url }: RunningNode): Promise<void> {
  const isReady = async () => (await fetch(`${url}/health/ready`)).ok;
  try {
    await eventually("a node being ready", isReady, { everyMs: 100, withinMs: 90_000 });
  } catch (error) {
    throw new Error(`${String(error)}; its output:\n${program.output()}`, { cause: error });
  }
}

async function stop({ program }: RunningNode): Promise<void> {
  program.signal("SIGTERM");
  const status = await program.ended();
  if (status !== 0) throw new Error(`A node ended with ${status}:\n${program.output()}`);
}
