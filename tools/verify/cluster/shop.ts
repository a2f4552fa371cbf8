import { once } from "node:events";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import type { NatsServer } from "../../support/nats-server.ts";
import { freePort } from "../../support/processes.ts";
import type { Random } from "../random.ts";
import type { Databases } from "./databases.ts";
import { EventPassage, type SeenEvent } from "./event-passage.ts";
import type { DomainService, Layout } from "./layout.ts";
import { ShopNode } from "./shop-node.ts";
import { TcpProxy } from "./tcp-proxy.ts";

export interface ShopOptions {
  layout: Layout;
  databases: Databases;
  nats: NatsServer;
  /** The Moleculer namespace, which separates concurrent runs. */
  namespace: string;
  folder: string;
  random: Random;
  reservationTtlSeconds: number;
  /** Ends the start of the nodes. */
  signal: AbortSignal;
  /** Modules of a mutant, loaded into the nodes. */
  preloads: string[];
  onEvent: (event: SeenEvent) => void;
  onMessage: (node: ShopNode, message: unknown) => void;
  onDeath: (node: string, end: number | NodeJS.Signals) => void;
}

const stopAtSteps = join(import.meta.dirname, "..", "preload", "stop-at-steps.ts");

/** A cluster of `commands/serve.ts` processes whose connections all go through proxies. */
export class Shop {
  readonly nodes: ShopNode[] = [];
  /** The URLs of the gateways. */
  readonly urls: string[] = [];
  readonly events: EventPassage;
  readonly #options: ShopOptions;

  private constructor(options: ShopOptions) {
    this.#options = options;
    this.events = new EventPassage(options.random.fork(), options.onEvent);
  }

  /** Starts all nodes and waits until all of them and all gateways are ready, or rejects at the signal. */
  static async start(options: ShopOptions): Promise<Shop> {
    const shop = new Shop(options);
    try {
      for (const name of Object.keys(options.layout)) shop.nodes.push(await shop.#createNode(name));
      options.signal.throwIfAborted();
      for (const node of shop.nodes) node.start();
      await Promise.race([shop.ready(180_000), rejectAt(options.signal)]);
    } catch (error) {
      await shop.stop();
      throw error;
    }
    return shop;
  }

  async ready(withinMs: number): Promise<void> {
    await eventually(
      "the shop being ready",
      async () => {
        const answers = await Promise.all(this.urls.map((url) => fetch(`${url}/health/ready`)));
        return answers.every(({ ok }) => ok) && this.nodes.every(({ isHealthy }) => isHealthy);
      },
      { withinMs, everyMs: 100 },
    );
  }

  /** Runs work while all nodes of a service are down. */
  async whileDown(service: DomainService, work: () => Promise<void>): Promise<void> {
    const nodes = this.nodes.filter(({ services }) => services.includes(service));
    await Promise.all(nodes.map((node) => node.goDown()));
    await work();
    for (const node of nodes) node.comeUp();
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #createNode(name: string): Promise<ShopNode> {
    const { databases, nats, layout, folder, preloads, onMessage, onDeath } = this.#options;
    const services = layout[name] ?? [];
    const proxies = {
      nats: await TcpProxy.open({ port: nats.port, host: "127.0.0.1" }, () => this.events.open()),
      postgres: await TcpProxy.open({ path: databases.socket }),
    };
    const node = new ShopNode({
      name,
      services,
      folder,
      proxies,
      healthPort: await freePort(),
      env: {
        ...(await this.#env(services)),
        TRANSPORTER: `nats://127.0.0.1:${proxies.nats.port}`,
        ...this.#databaseUrls(services, proxies.postgres.port),
      },
      preloads: [stopAtSteps, ...preloads],
      onMessage: (message) => {
        onMessage(node, message);
      },
      onDeath: (end) => {
        onDeath(name, end);
      },
    });
    return node;
  }

  async #env(services: ShopNode["services"]): Promise<Record<string, string>> {
    const common = {
      SERVICES: services.join(","),
      NAMESPACE: this.#options.namespace,
      HOST: "127.0.0.1",
      LOG_LEVEL: "warn",
      DB_POOL_MAX: "6",
      RESERVATION_TTL_SECONDS: String(this.#options.reservationTtlSeconds),
      // The customers sign in once, and all requests come from one address.
      TOKEN_TTL_SECONDS: "86400",
      RATE_LIMIT_PER_SECOND: "0",
      // The receivers of webhooks run on this machine.
      WEBHOOK_ALLOW_HTTP: "true",
      WEBHOOK_ALLOW_PRIVATE: "true",
    };
    if (!services.includes("api")) return common;
    const port = await freePort();
    this.urls.push(`http://127.0.0.1:${port}`);
    return { ...common, PORT: String(port) };
  }

  #databaseUrls(services: ShopNode["services"], port: number): Record<string, string> {
    const domainServices = services.filter((service) => service !== "api");
    return Object.fromEntries(
      domainServices.map((service) => [
        `${service.toUpperCase()}_DB_URL`,
        `postgres://shop@127.0.0.1:${port}/${this.#options.databases.nameOf(service)}`,
      ]),
    );
  }
}

async function rejectAt(signal: AbortSignal): Promise<never> {
  await once(signal, "abort");
  throw new Error("The start of the shop was interrupted.");
}
