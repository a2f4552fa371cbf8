import type { ActionCacheOptions, ActionSchema, ActionVisibility } from "moleculer";
import type { Access } from "./access.ts";

declare const paramsType: unique symbol;
declare const resultType: unique symbol;

/** A rule of Moleculer's validator for one parameter; the REPL makes its flags from these. */
export interface ParamRule {
  type: string;
  optional?: boolean;
  [option: string]: unknown;
}

/** An object type without keys would take any object; this one takes only an empty one. */
export type Closed<Shape> = [keyof Shape] extends [never] ? Record<string, never> : Shape;

/** One rule for every key of `Params`, and none besides. */
type ParamRules<Params> = Closed<{ [Key in keyof Params]-?: ParamRule }>;

/** How an action appears in GraphQL; the form is moleculer-apollo-server's. */
export interface GraphqlField {
  query?: string;
  mutation?: string;
  /** Loaders: how many keys one call may carry, so that an answer stays below NATS's 1 MB. */
  dataLoaderOptions?: { maxBatchSize: number };
  /** Lists: how many rows one call fetches; the gateway gathers the rest, for the same reason. */
  rowsPerCall?: number;
  /**
   * Lookups of one thing by its `id`: the action of the same service that gives several of them,
   * and null for what is not there. The gateway gathers such lookups of all requests; so it must
   * be one that everyone may call.
   */
  batchedBy?: string;
  /**
   * Pages of a connection: the action of the same service that counts, by the same filters, what
   * they are pages of. The field's `filter` and its other arguments are the action's parameters.
   */
  countedBy?: string;
  /** What one call weighs in throttling, besides the values it gives: 10 for a mutation by default. */
  cost?: number;
}

/** A field of GraphQL's Subscription: an event, for those who may see it. */
export interface SubscriptionField {
  /** The field's declaration. Its arguments are fields of the event that have to be equal. */
  field: string;
  /** The type of the event, one of the same contract. */
  event: string;
  access: Access;
  /** The event's field that names whose it is: others see only their own, admins all. */
  owner?: string;
  /** What the field gives, where it is not the event's data: an action that is called by one id. */
  load?: { action: string; parameter: string; from: string };
}

/** Moleculer's options of an action that are data; `hooks` and `fallback` stand at its handler. */
interface MoleculerOptions {
  /** How long a call may take, all its tries together, in ms; 4,000 by default, 0 for no limit. */
  timeout?: number;
  /**
   * Keeps results in the memory of each node. `keys` must name all that the result depends on, also
   * of `ctx.meta` (`#viewer.id`); without `ttl` (in s) an entry stays until it is cleaned.
   */
  cache?: boolean | ActionCacheOptions;
  /** Exposed actions are "published", which is the default. */
  visibility?: ActionVisibility;
  tracing?: NonNullable<ActionSchema["tracing"]>;
}

export interface ActionOptions<Params> extends MoleculerOptions {
  params: ParamRules<Params>;
  access: Access;
  graphql?: GraphqlField;
  /** The gateway calls it though it is no part of its schema. */
  gateway?: true;
  /** A second time changes nothing, so that it may be tried on another node. Queries always may. */
  safeToRetry?: boolean;
  /** How many calls a node works at, and how many wait; see `bulkhead`. */
  bulkhead?: { enabled?: boolean; concurrency?: number; maxQueueSize?: number };
}

/** What others may know of an action: its parameters, who may call it, what it gives. */
export interface ActionContract<Params = never, Result = unknown> extends MoleculerOptions {
  params: Record<string, unknown>;
  access: Access;
  graphql?: GraphqlField;
  gateway?: true;
  retryPolicy: { enabled: true; retries: number };
  bulkhead: { enabled: boolean; concurrency: number; maxQueueSize: number };
  [paramsType]?: (params: Params) => void;
  [resultType]?: Result;
}

/**
 * A node works at so many calls of an action at once: more would only wait for its database
 * connections. What waits beyond the queue would time out anyway, and is refused at once.
 */
const bulkhead = { enabled: true, concurrency: 100, maxQueueSize: 1_000 };

/** How often a call that nobody answered is tried again, where that is safe. */
export const maxRetries = 2;

/** The retry policy of actions that a mixin adds: a second time changes nothing. */
export const retryPolicy = { enabled: true, retries: maxRetries };

/** Declares an action. `$$strict`: a parameter that is not declared is refused, not ignored. */
export function action<Params extends object, Result>({
  safeToRetry,
  ...options
}: ActionOptions<Params>): ActionContract<Params, Result> {
  const { graphql } = options;
  const isQuery = graphql !== undefined && graphql.mutation === undefined;
  const retries = (safeToRetry ?? isQuery) ? maxRetries : 0;
  return {
    ...options,
    params: { $$strict: true, ...options.params },
    // Moleculer's own: the broker's options say which errors count, and how long it waits.
    retryPolicy: { enabled: true, retries },
    bulkhead: { ...bulkhead, ...options.bulkhead },
  };
}

/** Whether the gateway may call an action at all: a field or a loader of its schema, or one it needs. */
export function isExposed({
  graphql,
  gateway,
}: Pick<ActionContract, "graphql" | "gateway">): boolean {
  return graphql !== undefined || gateway === true;
}

/** The names of all actions that outsiders can reach through the gateway, sorted. */
export function exposedActions(contracts: readonly Contract[]): string[] {
  const names = contracts.flatMap(({ name, actions }) =>
    Object.entries(actions).map(([key, action]) => (isExposed(action) ? [`${name}.${key}`] : [])),
  );
  return names.flat().sort();
}

/** What others may know of an event: its version, and the shape of its data as rules and type. */
export interface EventContract<Data = unknown> {
  version: number;
  data: Record<string, ParamRule>;
  [resultType]?: Data;
}

/** Declares an event. Consumers refuse data that breaks a rule; fields besides these are let pass. */
export function event<Data extends object>(
  version: number,
  data: ParamRules<Data>,
): EventContract<Data> {
  return { version, data };
}

/** What every event travels in. Personal data stays out of `data`. */
export interface EventEnvelope<Data = unknown> {
  /** UUIDv7, the same for every delivery of this event. */
  id: string;
  type: string;
  version: number;
  producer: string;
  /** Its place among its producer's events: 1, 2, 3 … in the order of their commits. */
  position: number;
  /** ISO 8601, UTC. */
  occurredAt: string;
  /** The trace of the request that caused it (W3C Trace Context). */
  traceparent?: string;
  data: Data;
}

/** What the handler of an event sees of the transaction that its effect commits in. */
export interface Effect<
  Events extends Record<string, EventContract> = Record<string, EventContract>,
> {
  /**
   * Adds an event to the transaction: it is emitted if, and only if, this commits. `cause` is the
   * event that it follows from, and shares its trace with.
   */
  record: <Type extends keyof Events & string>(
    type: Type,
    data: DataOf<Events[Type]>,
    cause?: EventEnvelope,
  ) => void;
  /** Runs one statement with bound parameters (`$1` …) and gives its rows. */
  query: <Row extends object>(sql: string, bind: unknown[]) => Promise<Row[]>;
}

/** What a consumer does with an event: one by one, or with all that came in a row at once. */
export type EventHandler<
  Data = unknown,
  Events extends Record<string, EventContract> = Record<string, EventContract>,
> =
  | ((event: EventEnvelope<Data>, effect: Effect<Events>) => Promise<void>)
  | { handleBatch: (events: EventEnvelope<Data>[], effect: Effect<Events>) => Promise<void> };

/** Where a new consumer begins to read. */
export type StartFrom = "beginning" | "now";

/** The public face of a service. Services import each other's contracts and nothing else. */
export interface Contract<
  Name extends string = string,
  Actions extends Record<string, ActionContract> = Record<string, ActionContract>,
  Events extends Record<string, EventContract> = Record<string, EventContract>,
> {
  name: Name;
  actions: Actions;
  events: Events;
  /** What it adds to the gateway's schema, if anything. */
  graphql?: {
    /** SDL of the service's own types and inputs. */
    type: string;
    /** Joins, in moleculer-apollo-server's form: which action loads a field, by which key. */
    resolvers?: Record<string, Record<string, Join>>;
    subscriptions?: Record<string, SubscriptionField>;
  };
}

/** A field that another action loads, batched over the whole request. */
interface Join {
  action: string;
  dataLoader: true;
  /** Field of the parent -> array parameter of the action. */
  rootParams: Record<string, string>;
  /** Lists: how many rows one may have. Each list that takes no argument for that must say so. */
  maxRows?: number;
}

export function defineContract<
  const Name extends string,
  Actions extends Record<string, ActionContract>,
  Events extends Record<string, EventContract>,
>(contract: Contract<Name, Actions, Events>): Contract<Name, Actions, Events> {
  return contract;
}

/** The parameters an action takes. */
export type ParamsOf<Action> = Action extends ActionContract<infer Params> ? Params : never;

/** What an action gives. */
export type ResultOf<Action> = Action extends { [resultType]?: infer Result }
  ? Exclude<Result, undefined>
  : never;

/** The data an event carries. */
export type DataOf<Event> = ResultOf<Event>;

/** `{ "users.get": …, "orders.get": … }` of several contracts. */
export type ActionsOf<Contracts extends Contract> = Intersection<
  Contracts extends Contract
    ? {
        [
          Key in keyof Contracts["actions"] & string as `${Contracts["name"]}.${Key}`
        ]: Contracts["actions"][Key];
      }
    : never
>;

/** `{ "order.placed": …, "product.created": … }` of several contracts. */
export type EventsOf<Contracts extends Contract> = Intersection<
  Contracts extends Contract ? Contracts["events"] : never
>;

type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;
