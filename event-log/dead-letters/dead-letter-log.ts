import type { ServiceBroker } from "moleculer";
import type { EventEnvelope } from "../../core/contract.ts";
import { LogFields } from "../../core/log-fields.ts";

/** More are counted only: a restored database can make thousands of dead letters at once. */
const maxLinesPerSecond = 20;

/** Logs the events that become dead letters of a consumer, each in a line. */
export class DeadLetterLog {
  readonly #logger: Pick<ServiceBroker["logger"], "warn">;
  readonly #consumer: string;
  #lines = 0;
  #omitted = 0;
  #second: NodeJS.Timeout | undefined;

  constructor(logger: Pick<ServiceBroker["logger"], "warn">, consumer: string) {
    this.#logger = logger;
    this.#consumer = consumer;
  }

  add({ id, type, producer, position }: EventEnvelope, reason: string): void {
    this.#second ??= setTimeout(() => {
      this.end();
    }, 1_000).unref();
    if (this.#lines >= maxLinesPerSecond) {
      this.#omitted += 1;
      return;
    }
    this.#lines += 1;
    const fields = { event: id, type, producer, position, reason };
    this.#logger.warn(
      new LogFields(fields),
      `${this.#consumer} has moved ${type} ${id} of ${producer} to its dead letters: ${reason}`,
    );
  }

  /** Logs the number of omitted lines. */
  end(): void {
    clearTimeout(this.#second);
    this.#second = undefined;
    if (this.#omitted > 0) {
      this.#logger.warn(
        `${this.#consumer} has moved ${this.#omitted} more events to its dead letters.`,
      );
    }
    this.#lines = 0;
    this.#omitted = 0;
  }
}
