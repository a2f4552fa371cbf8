import type { Context, ServiceSchema } from "moleculer";
import type { Meta } from "./access.ts";
import type {
  ActionContract,
  ActionsOf,
  Closed,
  Contract,
  DataOf,
  Effect,
  EventEnvelope,
  EventsOf,
  ParamsOf,
  ResultOf,
} from "./contract.ts";

/** Calls the actions of these contracts with checked names, parameters and results. */
export interface TypedCaller<Contracts extends Contract> {
  call<Name extends keyof ActionsOf<Contracts> & string>(
    name: Name,
    params: Closed<ParamsOf<ActionsOf<Contracts>[Name]>>,
    options?: { timeout?: number },
  ): Promise<ResultOf<ActionsOf<Contracts>[Name]>>;
}

/** A context that can call only what the service says it uses. Events go through `record`. */
export type Ctx<Params, Uses extends Contract = never> = Omit<
  Context<Params, Meta>,
  "call" | "mcall" | "emit" | "broadcast"
> &
  TypedCaller<Uses>;

type Handler<Action extends ActionContract, Uses extends Contract> = (
  ctx: Ctx<ParamsOf<Action>, Uses>,
) => Promise<ResultOf<Action>>;

export interface ServiceImplementation<Own extends Contract, Uses extends Contract> {
  /** Contracts of the services whose actions this one calls or whose events it consumes. */
  uses?: readonly Uses[];
  mixins?: Partial<ServiceSchema>[];
  actions: { [Key in keyof Own["actions"]]: Handler<Own["actions"][Key], Uses> };
  /**
   * Effects of other services' events, each applied in its producer's order and exactly once: all
   * that a handler does belongs into the transaction it is given.
   */
  consumes?: Closed<{
    [Name in keyof EventsOf<Uses>]?: (
      event: EventEnvelope<DataOf<EventsOf<Uses>[Name]>>,
      effect: Effect<Own["events"]>,
    ) => Promise<void>;
  }>;
  /** Reads other services' events; needed where something is consumed. */
  consumer?: (
    producers: readonly Contract[],
    handlers: Record<string, (event: EventEnvelope, effect: Effect) => Promise<void>>,
  ) => Partial<ServiceSchema>;
  started?: () => Promise<void>;
}

/**
 * Joins a contract with its implementation into a Moleculer service. An action the contract
 * names and the implementation lacks, a call with wrong parameters or a handler with a wrong
 * result does not compile.
 */
export function defineService<Own extends Contract, const Uses extends Contract = never>(
  contract: Own,
  implementation: ServiceImplementation<Own, Uses>,
): ServiceSchema {
  const handlers = implementation.actions as Record<string, (ctx: never) => Promise<unknown>>;
  const { uses = [], mixins = [], consumes, consumer } = implementation;
  if (consumes !== undefined && consumer === undefined) {
    throw new Error(`${contract.name} consumes events and names no consumer`);
  }
  const reading = consumes && consumer?.(producersOf(uses, consumes), consumes as never);
  return {
    name: contract.name,
    // Moleculer starts the last mixin first, and stops it last: nothing is read without a database.
    mixins: reading ? [reading, ...mixins] : [...mixins],
    settings: { graphql: contract.graphql },
    actions: Object.fromEntries(
      Object.entries(contract.actions).map(([name, action]) => [
        name,
        { ...action, handler: (ctx: never) => handlers[name]?.(ctx) },
      ]),
    ),
    ...(implementation.started && { started: implementation.started }),
  } as unknown as ServiceSchema;
}

/** The services of which at least one event is consumed. */
function producersOf(uses: readonly Contract[], consumes: object): Contract[] {
  return uses.filter(({ events }) => Object.keys(consumes).some((type) => type in events));
}
