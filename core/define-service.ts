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
import { periodicFaults } from "./tasks/periodic-faults.ts";
import { PeriodicTask } from "./tasks/periodic-task.ts";

/** Calls the actions of the contracts with checked names, parameters and results. */
export interface TypedCaller<Contracts extends Contract> {
  call<Name extends keyof ActionsOf<Contracts> & string>(
    name: Name,
    params: Closed<ParamsOf<ActionsOf<Contracts>[Name]>>,
    options?: { timeout?: number; headers?: Record<string, string> },
  ): Promise<ResultOf<ActionsOf<Contracts>[Name]>>;
}

/** A context that calls only actions of `uses`. It has no `emit`: events are recorded. */
export type Ctx<Params, Uses extends Contract = never> = Omit<
  Context<Params, Meta>,
  "call" | "mcall" | "emit" | "broadcast" | "headers"
> &
  TypedCaller<Uses> & { headers: Partial<Record<string, string>> };

type Handler<Action extends ActionContract, Uses extends Contract> = (
  ctx: Ctx<ParamsOf<Action>, Uses>,
) => Promise<ResultOf<Action>>;

/** A function, or the name of one of the service's methods; or a list of them, run in order. */
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
  /** Throws an error, or returns a result in its place. */
  error?: Hooks<
    (ctx: Ctx<ParamsOf<Action>, Uses>, error: Error) => Promise<ResultOf<Action>> | ResultOf<Action>
  >;
}

/** A handler with Moleculer's options that are functions. */
interface ActionImplementation<Action extends ActionContract, Uses extends Contract> {
  handler: Handler<Action, Uses>;
  hooks?: ActionHooks<Action, Uses>;
  /** Returns the result in place of an error. */
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

/** Moleculer's options of a service. A cycle of `dependencies` would keep its nodes from starting. */
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

/** Which events a service consumes, and how. */
export interface ConsumerOptions {
  /** The name of the consuming service. */
  consumer: string;
  /** The contracts of the services whose events it consumes. */
  producers: readonly Contract[];
  handlers: Record<string, EventHandler>;
  /** Where a new consumer starts to read a log. */
  startFrom: StartFrom;
  /** The tables that contain only data from a producer's events, by the name of the producer. */
  readModels: Record<string, readonly string[]>;
  /** The database of the service has the table `audit_trail`. */
  hasAuditTrail: boolean;
}

interface ServiceDatabase {
  mixin: Partial<ServiceSchema>;
  consumer: (options: ConsumerOptions) => Partial<ServiceSchema>;
}

/** Work that each replica of a service does at an interval. */
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
   * Handlers of other services' events. Each event is applied exactly once, in its producer's
   * order, if its handler changes data only in the transaction that it receives.
   */
  consumes?: Closed<{
    [Name in keyof EventsOf<Uses>]?: EventHandler<DataOf<EventsOf<Uses>[Name]>, Own["events"]>;
  }>;
  /** Where a new consumer begins to read; "beginning" by default. */
  startFrom?: StartFrom;
  /**
   * Read models: for the name of a producer in `uses`, the tables that only its events fill, so
   * that they can be rebuilt from its log.
   */
  readModels?: Partial<Record<Uses["name"], readonly string[]>>;
  /** Runs from the start of the service until it stops. */
  periodically?: readonly PeriodicWork<Uses>[];
  /** Called for each call that the access rules reject, before the caller gets the error. */
  onAccessDenied?: OnAccessDenied;
}

/** Handles a call that the access rules rejected. It must not throw. */
export type OnAccessDenied = (ctx: Context<unknown, Meta>, clientError: unknown) => Promise<void>;

/**
 * Makes a Moleculer service of a contract and its implementation. A missing action, a call with
 * wrong parameters and a handler with a wrong result do not compile.
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
    onAccessDenied,
    ...moleculerOptions
  } = implementation;
  if (consumes !== undefined && database === undefined) {
    throw new Error(`The service ${name} consumes events, so it needs a "database".`);
  }
  if (consumes !== undefined && contract.hasNoConsumers === true) {
    throw new Error(
      `The service ${name} consumes events: remove "hasNoConsumers" of its contract.`,
    );
  }
  const consumerMixin =
    consumes &&
    database?.consumer({
      consumer: name,
      producers: producersOf(uses, consumes),
      handlers: consumes as Record<string, EventHandler>,
      startFrom,
      readModels,
      hasAuditTrail: contract.auditActions !== undefined,
    });
  return {
    ...moleculerOptions,
    name,
    // The access middleware closes actions that the contract does not expose.
    metadata: { ...(implementation.metadata as object | undefined), hasContract: true },
    // Moleculer starts the last mixin first and stops it last: the consumer needs the database.
    mixins: [
      ...(implementation.mixins ?? []),
      ...periodically.map((work) => periodic(name, work)),
      ...(consumerMixin ? [consumerMixin] : []),
      ...(database ? [database.mixin] : []),
    ],
    methods: { ...implementation.methods, ...(onAccessDenied && { onAccessDenied }) },
    actions: Object.fromEntries(
      Object.entries(contract.actions).map(([action, declared]) => {
        const given: unknown = actions[action];
        const implemented = typeof given === "function" ? { handler: given } : (given as object);
        return [action, { ...declared, ...implemented }];
      }),
    ),
  } as unknown as ServiceSchema;
}

function periodic<Uses extends Contract>(
  service: string,
  { everyMs, run }: PeriodicWork<Uses>,
): Partial<ServiceSchema> {
  let task: PeriodicTask | undefined;
  let isStopped = false;
  return {
    async started(this: Service) {
      // Moleculer may stop a service that is still starting.
      if (isStopped) return;
      const { broker, logger } = this;
      const work = () => run(broker, logger);
      const onFault = periodicFaults(service, () => logger);
      task = new PeriodicTask(everyMs, work, onFault);
      task.start();
    },
    async stopped() {
      isStopped = true;
      await task?.stop();
    },
  };
}

/** Returns the services of which at least one event is consumed. */
function producersOf(uses: readonly Contract[], consumes: object): Contract[] {
  return uses.filter(({ events }) => Object.keys(consumes).some((type) => type in events));
}
