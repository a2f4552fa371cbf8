import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import type { Effect } from "../core/contract.ts";
import { id, int, pageRules, text, type Page } from "../core/validation.ts";
import { listDeadLetters } from "./dead-letters.ts";
import { consumedOf, cursorsOf } from "./event-cursor.ts";

/** Runs a use case in one transaction of the consuming service. */
export type RunTransaction = <Result>(
  useCase: (work: Effect) => Promise<Result>,
) => Promise<Result>;

interface ConsumerOperations {
  redrive: (id: string) => Promise<{ redriven: boolean }>;
  rebuild: (broker: ServiceBroker, producer: string) => Promise<{ events: number }>;
}

/** Events whose batches one call looks up. */
const maxPositions = 1_000;

/** What operators see of a consumer, and can do with it. */
export function consumerActions(
  transaction: RunTransaction,
  { redrive, rebuild }: ConsumerOperations,
): NonNullable<ServiceSchema["actions"]> {
  return {
    /** Events of others whose effect failed for good, oldest first. */
    deadLetters: {
      params: { $$strict: true, ...pageRules },
      access: "admin",
      handler: ({ params: { limit = 100, offset = 0 } }: Context<Page>) =>
        transaction((work) => listDeadLetters(work, { limit, offset })),
    },
    /** Applies one dead letter again. Says whether there was one. */
    redrive: {
      params: { $$strict: true, id: id() },
      access: "admin",
      handler: ({ params }: Context<{ id: string }>) => redrive(params.id),
    },
    /**
     * Rebuilds the read models of a producer's data from its log. Gives how many events will be read;
     * until then the read models are incomplete. Throws BAD_USER_INPUT.
     */
    rebuild: {
      params: { $$strict: true, producer: text(1, 100) },
      access: "admin",
      handler: ({ params, broker }: Context<{ producer: string }>) =>
        rebuild(broker, params.producer),
    },
    /** How far this service has read the log of each other one. */
    cursors: {
      params: { $$strict: true },
      access: "admin",
      handler: () => transaction((work) => cursorsOf(work)),
    },
    /** When events were applied here, by their producer's positions, and by which node. */
    consumed: {
      params: {
        $$strict: true,
        producer: text(1, 100),
        positions: { type: "array", items: int(1, Number.MAX_SAFE_INTEGER), max: maxPositions },
      },
      access: "nobody",
      handler: ({ params }: Context<{ producer: string; positions: number[] }>) =>
        transaction((work) => consumedOf(work, params.producer, params.positions)),
    },
  } as unknown as NonNullable<ServiceSchema["actions"]>;
}
