import type { ServiceBroker } from "moleculer";
import type { EventEnvelope } from "../../core/contract.ts";
import { LogBudget } from "../../core/logging/log-budget.ts";
import { LogFields } from "../../core/logging/log-fields.ts";

/** More are counted only: a restored database can make thousands of dead letters at once. */
const maxLinesPerSecond = 20;

/** Logs the events that become dead letters of a consumer, each in a line. */
export class DeadLetterLog {
  readonly #logger: Pick<ServiceBroker["logger"], "warn">;
  readonly #consumer: string;
  readonly #budget: LogBudget;

  constructor(logger: Pick<ServiceBroker["logger"], "warn">, consumer: string) {
    this.#logger = logger;
    this.#consumer = consumer;
    this.#budget = new LogBudget(maxLinesPerSecond, (events) => {
      logger.warn(`${consumer} has moved ${events} more events to its dead letters.`);
    });
  }

  add({ id, type, producer, position }: EventEnvelope, reason: string): void {
    if (!this.#budget.take()) return;
    const fields = { event: id, type, producer, position, reason };
    this.#logger.warn(
      new LogFields(fields),
      `${this.#consumer} has moved ${type} ${id} of ${producer} to its dead letters: ${reason}`,
    );
  }

  /** Logs the number of omitted lines. */
  end(): void {
    this.#budget.end();
  }
}
