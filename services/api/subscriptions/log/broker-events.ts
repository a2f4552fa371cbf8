import { randomUUID } from "node:crypto";
import type { Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import { gatewayName } from "../../../../core/access.ts";
import type { EventEnvelope } from "../../../../core/contract.ts";

/** How long events are still received after the last use: clients that reconnect subscribe again. */
const lingerMs = 60_000;

/**
 * Receives events from the broker while subscriptions need them. For this time the node has a service
 * with their handlers; without it, the other nodes send it no events. They know the service a moment
 * after `use`, and do not send the events before that.
 */
export class BrokerEvents {
  readonly #broker: ServiceBroker;
  readonly #schema: ServiceSchema;
  #users = 0;
  #isNeeded = false;
  #linger: NodeJS.Timeout | undefined;
  #service: Service | undefined;
  /** Changes run one after the other: Moleculer finds a service by its name when it removes it. */
  #changes: Promise<void> = Promise.resolve();

  constructor(
    broker: ServiceBroker,
    types: readonly string[],
    receive: (event: EventEnvelope) => void,
  ) {
    this.#broker = broker;
    // Each gateway has its own group, so that all receive the events.
    const group = `${gatewayName}-${randomUUID()}`;
    const handler = ({ params }: Context<EventEnvelope>) => {
      receive(params);
    };
    this.#schema = {
      // Lists of services leave out names with "$".
      name: "$subscriptions",
      events: Object.fromEntries(types.map((type) => [type, { group, handler }])),
    };
  }

  use(): void {
    this.#users += 1;
    clearTimeout(this.#linger);
    this.#need(true);
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#linger = setTimeout(() => {
      this.#need(false);
    }, lingerMs).unref();
  }

  /** Receives no more events. */
  async stop(): Promise<void> {
    clearTimeout(this.#linger);
    this.#need(false);
    await this.#changes;
  }

  #need(isNeeded: boolean): void {
    if (this.#isNeeded === isNeeded) return;
    this.#isNeeded = isNeeded;
    this.#changes = this.#changes.then(() => this.#change());
  }

  async #change(): Promise<void> {
    const service = this.#service;
    if (this.#isNeeded) this.#service ??= this.#broker.createService(this.#schema);
    else if (service !== undefined) {
      this.#service = undefined;
      await this.#broker.destroyService(service);
    }
  }
}
