import { ServiceBroker } from "moleculer";
import { clusterNodeDefaults, readConfig } from "../../config/config.ts";
import { type DomainService } from "../../services/registry.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import type { TestDatabases } from "./databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { freePort, startCommand, type Program } from "../../tools/support/processes.ts";

/** A cluster of `commands/serve.ts` processes. */
export class Cluster {
  readonly #settings: Record<string, string>;
  readonly #databases: TestDatabases;
  readonly #port: number;

  private constructor(settings: Record<string, string>, databases: TestDatabases, port: number) {
    this.#settings = settings;
    this.#databases = databases;
    this.#port = port;
  }

  /** @param settings the transporter and other settings of all nodes */
  static async create(
    settings: Record<string, string>,
    databases: TestDatabases,
  ): Promise<Cluster> {
    return new Cluster(
      { NAMESPACE: `test-${process.pid}-${Date.now()}`, HOST: "127.0.0.1", ...settings },
      databases,
      await freePort(),
    );
  }

  /** The URL of the gateway. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts a gateway, by default at the URL of the cluster. */
  startGateway(port = this.#port, settings: Record<string, string> = {}): Program {
    return this.#start({ SERVICES: "api", PORT: String(port), ...settings });
  }

  /** Starts a node with one service, which gets the URL of its own database only. */
  startService(name: DomainService, settings: Record<string, string> = {}): Program {
    return this.startServices([name], settings);
  }

  /** Starts one node with several services, for tests that need no node of each. */
  startServices(names: DomainService[], settings: Record<string, string> = {}): Program {
    const urls = names.map((name) => [`${name.toUpperCase()}_DB_URL`, this.#databases.urls[name]]);
    const env = Object.fromEntries(urls) as Record<string, string>;
    return this.#start({ SERVICES: names.join(","), ...env, ...settings });
  }

  #start(settings: Record<string, string>): Program {
    return startCommand("serve", { ...this.#settings, ...settings });
  }

  /** Waits until the gateway is ready. */
  async ready(): Promise<void> {
    await eventually(
      "the cluster being ready",
      async () => (await fetch(`${this.url}/health/ready`)).ok,
      { everyMs: 100 },
    );
  }

  /** Creates a node without services. The caller starts and stops it. */
  createObserver(): ServiceBroker {
    const env = { ...this.#settings, LOG_LEVEL: "fatal" };
    const options = brokerOptions(readConfig(env, clusterNodeDefaults), "observer");
    const { transporter } = options as { transporter: { opts: object } };
    // The wait would go on after a stop of the broker and keep Jest from exiting.
    Object.assign(transporter.opts, { waitOnFirstConnect: false });
    return new ServiceBroker(options);
  }
}

/** Returns the ids of the nodes that have a service, as a broker sees them. */
export async function nodesWith(broker: ServiceBroker, service: string): Promise<string[]> {
  const services = await broker.call<{ name: string; nodes: string[] }[], object>(
    "$node.services",
    { onlyAvailable: true },
    { nodeID: broker.nodeID },
  );
  return services.find(({ name }) => name === service)?.nodes ?? [];
}
