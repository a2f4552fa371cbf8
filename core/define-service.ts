import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import type { Meta } from "./access.ts";
import type {
  ActionContract,
  ActionsOf,
  Closed,
  Contract,
  DataOf,
  EventHandler,
  EventsOf,
  ParamsOf,
  ResultOf,
  StartFrom,
} from "./contract.ts";
import { PeriodicTask } from "./periodic-task.ts";

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

/** What a service's database brings along. */
interface ServiceDatabase {
  mixin: Partial<ServiceSchema>;
  consumer: (consumption: {
    consumer: string;
    producers: readonly Contract[];
    handlers: Record<string, EventHandler>;
    startFrom: StartFrom;
    readModels: Record<string, readonly string[]>;
  }) => Partial<ServiceSchema>;
}

/** Work that a service does by itself, on each of its replicas. */
interface PeriodicWork<Uses extends Contract> {
  everyMs: number;
  run: (caller: TypedCaller<Uses>, logger: ServiceBroker["logger"]) => Promise<void>;
}

export interface ServiceImplementation<Own extends Contract, Uses extends Contract> {
  /** Contracts of the services whose actions this one calls or whose events it consumes. */
  uses?: readonly Uses[];
  database?: ServiceDatabase;
  actions: { [Key in keyof Own["actions"]]: Handler<Own["actions"][Key], Uses> };
  /**
   * Effects of other services' events, each applied in its producer's order and exactly once: all
   * that a handler does belongs into the transaction it is given.
   */
  consumes?: Closed<{
    [Name in keyof EventsOf<Uses>]?: EventHandler<DataOf<EventsOf<Uses>[Name]>, Own["events"]>;
  }>;
  /** Where a service that has never read a log begins: by default, at its first event. */
  startFrom?: StartFrom;
  /**
   * Tables that hold nothing but what the events of one of `uses` have brought, by its name: they
   * can be made anew from its log.
   */
  readModels?: Partial<Record<Uses["name"], readonly string[]>>;
  /** Runs as long as the service does, after it has started. */
  periodically?: readonly PeriodicWork<Uses>[];
  started?: () => Promise<void>;
  /** Learns of each call that the access rules refused, before its sender does. */
  refused?: OnAccessDenied;
}

/** What a service does about calls that the access rules refused; it must not fail. */
export type OnAccessDenied = (ctx: Context<unknown, Meta>, refusal: unknown) => Promise<void>;

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
  const { name } = contract;
  const {
    uses = [],
    database,
    consumes,
    startFrom = "beginning",
    readModels = {},
  } = implementation;
  if (consumes !== undefined && database === undefined) {
    throw new Error(`${name} consumes events and has no database for their effects`);
  }
  const reading =
    consumes &&
    database?.consumer({
      consumer: name,
      producers: producersOf(uses, consumes),
      handlers: consumes as Record<string, EventHandler>,
      startFrom,
      readModels,
    });
  return {
    name,
    // The access middleware closes actions that the contract does not expose.
    metadata: { hasContract: true },
    // Moleculer starts the last mixin first, and stops it last: nothing is read without a database.
    mixins: [
      ...(implementation.periodically ?? []).map((work) => periodic(name, work)),
      ...(reading ? [reading] : []),
      ...(database ? [database.mixin] : []),
    ],
    actions: Object.fromEntries(
      Object.entries(contract.actions).map(([action, declared]) => [
        action,
        { ...declared, handler: (ctx: never) => handlers[action]?.(ctx) },
      ]),
    ),
    ...(implementation.started && { started: implementation.started }),
    ...(implementation.refused && { methods: { refused: implementation.refused } }),
  } as unknown as ServiceSchema;
}

function periodic<Uses extends Contract>(
  service: string,
  { everyMs, run }: PeriodicWork<Uses>,
): Partial<ServiceSchema> {
  let repeat: PeriodicTask | undefined;
  let isStopped = false;
  return {
    async started(this: { broker: ServiceBroker }) {
      // It may be stopped while it is still starting.
      if (isStopped) return;
      const { broker } = this;
      const work = () => run(broker, broker.logger);
      repeat = new PeriodicTask(everyMs, work, (fault) => {
        broker.logger.error(`periodic work of ${service} failed`, fault);
      });
      repeat.start();
    },
    async stopped() {
      isStopped = true;
      await repeat?.stop();
    },
  };
}

/** The services of which at least one event is consumed. */
function producersOf(uses: readonly Contract[], consumes: object): Contract[] {
  return uses.filter(({ events }) => Object.keys(consumes).some((type) => type in events));
}
