import type {
  Context,
  Service,
  ServiceBroker,
  ServiceSchema,
  ServiceSettingSchema,
} from "moleculer";
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

/** A function, or the name of one of the service's methods; or several, one after the other. */
type Hooks<Hook> = string | Hook | (string | Hook)[];

/** Moleculer's hooks around one action. */
interface ActionHooks<Action extends ActionContract, Uses extends Contract> {
  before?: Hooks<(ctx: Ctx<ParamsOf<Action>, Uses>) => Promise<void> | void>;
  after?: Hooks<
    (
      ctx: Ctx<ParamsOf<Action>, Uses>,
      result: ResultOf<Action>,
    ) => Promise<ResultOf<Action>> | ResultOf<Action>
  >;
  /** Throws an error, or gives the result instead. */
  error?: Hooks<
    (ctx: Ctx<ParamsOf<Action>, Uses>, error: Error) => Promise<ResultOf<Action>> | ResultOf<Action>
  >;
}

/** A handler with Moleculer's options that are functions. */
interface ActionImplementation<Action extends ActionContract, Uses extends Contract> {
  handler: Handler<Action, Uses>;
  hooks?: ActionHooks<Action, Uses>;
  /** What is answered in place of an error. */
  fallback?:
    string | ((ctx: Ctx<ParamsOf<Action>, Uses>, error: Error) => Promise<ResultOf<Action>>);
}

/** Names of a contract's actions, and Moleculer's patterns: `*`, `get*`, `create|update`. */
type HookTarget<Own extends Contract> =
  (keyof Own["actions"] & string) | `${string}*${string}` | `${string}|${string}`;

type HooksOf<Own extends Contract, Hook> = Partial<Record<HookTarget<Own>, Hooks<Hook>>>;

/** Moleculer's hooks around the actions of a service. */
interface ServiceHooks<Own extends Contract> {
  before?: HooksOf<Own, (ctx: Context<unknown, Meta>) => Promise<void> | void>;
  after?: HooksOf<Own, (ctx: Context<unknown, Meta>, result: unknown) => unknown>;
  error?: HooksOf<Own, (ctx: Context<unknown, Meta>, error: Error) => unknown>;
}

/** Moleculer's options of a service. `dependencies` must not form a circle: its nodes would wait. */
type MoleculerOptions<Own extends Contract, OwnMethods> = Pick<
  ServiceSchema,
  "metadata" | "dependencies" | "mixins" | "events" | "created" | "started" | "stopped"
> & {
  settings?: ServiceSettingSchema & Record<string, unknown>;
  hooks?: ServiceHooks<Own>;
  methods?: OwnMethods;
  /** Changes the schema after the mixins were merged. */
  merged?: (schema: ServiceSchema) => void;
};

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

type ServiceImplementation<
  Own extends Contract,
  Uses extends Contract,
  OwnMethods,
> = MoleculerOptions<Own, OwnMethods> & ServiceParts<Own, Uses> & ThisType<Service & OwnMethods>;

interface ServiceParts<Own extends Contract, Uses extends Contract> {
  /** Contracts of the services whose actions this one calls or whose events it consumes. */
  uses?: readonly Uses[];
  database?: ServiceDatabase;
  actions: {
    [Key in keyof Own["actions"]]:
      Handler<Own["actions"][Key], Uses> | ActionImplementation<Own["actions"][Key], Uses>;
  };
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
export function defineService<
  Own extends Contract,
  const Uses extends Contract = never,
  OwnMethods extends object = object,
>(contract: Own, implementation: ServiceImplementation<Own, Uses, OwnMethods>): ServiceSchema {
  const { name } = contract;
  const {
    uses = [],
    database,
    actions,
    consumes,
    startFrom = "beginning",
    readModels = {},
    periodically = [],
    refused,
    ...moleculerOptions
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
    ...moleculerOptions,
    name,
    // The access middleware closes actions that the contract does not expose.
    metadata: { hasContract: true },
    // Moleculer starts the last mixin first, and stops it last: nothing is read without a database.
    mixins: [
      ...(implementation.mixins ?? []),
      ...periodically.map((work) => periodic(name, work)),
      ...(reading ? [reading] : []),
      ...(database ? [database.mixin] : []),
    ],
    methods: { ...implementation.methods, ...(refused && { refused }) },
    actions: Object.fromEntries(
      Object.entries(contract.actions).map(([action, declared]) => {
        const own: unknown = actions[action];
        const implemented = typeof own === "function" ? { handler: own } : (own as object);
        return [action, { ...declared, ...implemented }];
      }),
    ),
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
