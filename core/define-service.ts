import type { Context, ServiceSchema } from "moleculer";
import type { Meta } from "./access.ts";
import type {
  ActionContract,
  ActionsOf,
  Closed,
  Contract,
  DataOf,
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
  /** Effects of other services' events. Each must be safe to apply twice. */
  consumes?: Closed<{
    [Name in keyof EventsOf<Uses>]?: (
      event: EventEnvelope<DataOf<EventsOf<Uses>[Name]>>,
    ) => Promise<void>;
  }>;
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
  const consumers = (implementation.consumes ?? {}) as Record<
    string,
    (event: EventEnvelope) => Promise<void>
  >;
  return {
    name: contract.name,
    mixins: implementation.mixins ?? [],
    settings: { graphql: contract.graphql },
    actions: Object.fromEntries(
      Object.entries(contract.actions).map(([name, action]) => [
        name,
        { ...action, handler: (ctx: never) => handlers[name]?.(ctx) },
      ]),
    ),
    events: Object.fromEntries(
      Object.entries(consumers).map(([name, apply]) => [
        name,
        { handler: (ctx: Context<EventEnvelope>) => apply(ctx.params) },
      ]),
    ),
    ...(implementation.started && { started: implementation.started }),
  } as unknown as ServiceSchema;
}
