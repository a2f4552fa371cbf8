/*
 * Terms of this code base (docs/glossary.md has all terms):
 * - contract: the actions, events and GraphQL types of a service; all that other services import.
 * - action, event: Moleculer's. An event is a fact in the past tense, recorded with its cause.
 * - event log: the table of a producer's events. NATS only delivers new events sooner.
 * - position: the number of an event in its producer's log, without gaps, in the order of commits.
 * - consumer: a service that applies a producer's events; its cursor is the last applied event.
 * - read model: tables that only events fill, so that they can be rebuilt from the log.
 * - effect: what a handler of an event changes. The effect and the cursor commit together.
 * - dead letter: an event that failed for good, set aside so that the events after it are applied.
 * - client error: an expected error with a code. It is not retried and not logged as a fault.
 * - operator, viewer: a call from the REPL or another service; a client behind the gateway.
 */
import type { ActionCacheOptions, ActionSchema, ActionVisibility } from "moleculer";
import type { Access } from "./access.ts";
import type { GraphqlField, SubscriptionField, OpenEnum, Join } from "./graphql/graphql-options.ts";

declare const paramsType: unique symbol;
declare const resultType: unique symbol;

/** A rule of Moleculer's validator for one parameter. The REPL derives its flags from the rules. */
export interface ParamRule {
  type: string;
  optional?: boolean;
  [option: string]: unknown;
}

/** Makes an object type without keys accept only an empty object; TypeScript accepts any object. */
export type Closed<Shape> = [keyof Shape] extends [never] ? Record<string, never> : Shape;

/** Exactly one rule for each key of `Params`. */
type ParamRules<Params> = Closed<{ [Key in keyof Params]-?: ParamRule }>;

/** Moleculer's action options that are data. `hooks` and `fallback` belong to the implementation. */
interface MoleculerOptions {
  /** The deadline of a call and all its retries, in ms; 4,000 by default, 0 for no limit. */
  timeout?: number;
  /**
   * Keeps results in the memory of each node. `keys` must name all that the result depends on,
   * including `ctx.meta` (`#viewer.id`). Without `ttl` (in s) an entry stays until it is cleaned.
   */
  cache?: boolean | ActionCacheOptions;
  /** Exposed actions must be "published", the default. */
  visibility?: ActionVisibility;
  tracing?: NonNullable<ActionSchema["tracing"]>;
}

export interface ActionOptions<Params> extends MoleculerOptions {
  params: ParamRules<Params>;
  access: Access;
  graphql?: GraphqlField;
  /** The gateway calls the action, although its schema does not contain it. */
  gateway?: true;
  /** A second call changes nothing, so another node may retry the action. Default for queries. */
  safeToRetry?: boolean;
  /** The calls in progress and in the queue of a node; see `bulkhead`. */
  bulkhead?: { enabled?: boolean; concurrency?: number; maxQueueSize?: number };
}

/** The public part of an action: its parameters, its access rule and its result. */
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
 * A node runs up to `concurrency` calls of an action; more would only wait for database
 * connections. A call beyond the queue is rejected immediately, and an overloaded node rejects
 * earlier: see `LoadLimit`.
 */
const bulkhead = { enabled: true, concurrency: 100, maxQueueSize: 1_000 };

/** The most retries of an unanswered call that is safe to retry. */
export const maxRetries = 2;

/** The retry policy of actions that a mixin adds. They are safe to retry. */
export const retryPolicy = { enabled: true, retries: maxRetries };

/** Declares an action. `$$strict` rejects a parameter that is not declared. */
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
    // The broker's options define which errors are retried and the delay.
    retryPolicy: { enabled: true, retries },
    bulkhead: { ...bulkhead, ...options.bulkhead },
  };
}

/** Returns true if the gateway may call an action: it is in its schema, or has `gateway: true`. */
export function isExposed({
  graphql,
  gateway,
}: Pick<ActionContract, "graphql" | "gateway">): boolean {
  return graphql !== undefined || gateway === true;
}

/** The public part of an event: its version, and the rules and the type of its data. */
export interface EventContract<Data = unknown> {
  version: number;
  data: Record<string, ParamRule>;
  [resultType]?: Data;
}

/** Declares an event. Consumers reject data that breaks a rule and accept additional fields. */
export function event<Data extends object>(
  version: number,
  data: ParamRules<Data>,
): EventContract<Data> {
  return { version, data };
}

/** The envelope of every event. Personal data must not be in `data`. */
export interface EventEnvelope<Data = unknown> {
  /** UUIDv7, the same for every delivery of this event. */
  id: string;
  type: string;
  version: number;
  producer: string;
  /** 1, 2, 3 … among the producer's events, in the order of their commits. */
  position: number;
  /** The id of the event before it in the log. Absent without one, or if that event is pruned. */
  previousId?: string;
  /** ISO 8601, UTC. */
  occurredAt: string;
  /** The trace of the request that caused it (W3C Trace Context). */
  traceparent?: string;
  data: Data;
}

/** The transaction in which the effect of an event commits, as its handler sees it. */
export interface Effect<
  Events extends Record<string, EventContract> = Record<string, EventContract>,
> {
  /**
   * Adds an event to the transaction. The event is emitted if and only if the transaction commits.
   * It inherits the trace of `cause`.
   */
  record: <Type extends keyof Events & string>(
    type: Type,
    data: DataOf<Events[Type]>,
    cause?: EventEnvelope,
  ) => void;
  /** Runs one statement with bound parameters (`$1` …) and returns its rows. */
  query: <Row extends object>(sql: string, bind: unknown[]) => Promise<Row[]>;
  /** Calls a function after the commit, in this process. A lost call must do no harm. */
  afterCommit: (call: () => void) => void;
}

/** A consumer's handler of one event, or of a batch of consecutive events with this handler. */
export type EventHandler<
  Data = unknown,
  Events extends Record<string, EventContract> = Record<string, EventContract>,
> =
  | ((event: EventEnvelope<Data>, effect: Effect<Events>) => Promise<void>)
  | {
      handleBatch: (events: EventEnvelope<Data>[], effect: Effect<Events>) => Promise<void>;
      /**
       * Returns false if the events have no effect at this moment. The consumer then only moves its
       * cursor, for larger batches.
       */
      isNeeded?: (events: readonly EventEnvelope<Data>[]) => Promise<boolean>;
      /** Applies a dead letter in place of `handleBatch`. */
      redrive?: (event: EventEnvelope<Data>, effect: Effect<Events>) => Promise<void>;
    };

/** Where a new consumer begins to read a log. */
export type StartFrom = "beginning" | "now";

/** The public part of a service. Services import each other's contracts and nothing else. */
export interface Contract<
  Name extends string = string,
  Actions extends Record<string, ActionContract> = Record<string, ActionContract>,
  Events extends Record<string, EventContract> = Record<string, EventContract>,
> {
  name: Name;
  actions: Actions;
  events: Events;
  /** The actions that the service records in its audit trail, with their meanings. */
  auditActions?: Readonly<Record<string, string>>;
  /** The shop is ready without this service, because no other one needs it. */
  isOptional?: true;
  /** The service consumes no events of others. */
  hasNoConsumers?: true;
  /** The service's part of the gateway's schema. */
  graphql?: {
    /** SDL of the service's types and inputs. */
    type: string;
    /** The maximum length of lists that are part of a result, by `Type.field`. */
    listMaxima?: Record<string, number>;
    /** Enums whose values grow with the versions of the service. */
    openEnums?: Record<string, OpenEnum>;
    /** Fields that an action loads, in the form of moleculer-apollo-server. */
    resolvers?: Record<string, Record<string, Join>>;
    /** Fields that are computed from the `id` of their object, by type. */
    fromId?: Record<string, Record<string, (id: string) => unknown>>;
    /**
     * The types of the interface Node, with the action of this service that loads their objects:
     * in the order of `ids`, with null for an id that is unknown or that the caller may not read.
     */
    nodes?: Record<string, string>;
    subscriptions?: Record<string, SubscriptionField>;
  };
}

export function defineContract<
  const Name extends string,
  Actions extends Record<string, ActionContract>,
  Events extends Record<string, EventContract>,
>(contract: Contract<Name, Actions, Events>): Contract<Name, Actions, Events> {
  return contract;
}

export type ParamsOf<Action> = Action extends ActionContract<infer Params> ? Params : never;

export type ResultOf<Action> = Action extends { [resultType]?: infer Result }
  ? Exclude<Result, undefined>
  : never;

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
