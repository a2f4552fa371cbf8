import type { Access } from "../access.ts";

/** The GraphQL field of an action, in the form of moleculer-apollo-server. */
export interface GraphqlField {
  query?: string;
  mutation?: string;
  /** Loaders: the most keys of one call, so that its result stays below NATS's 1 MB. */
  dataLoaderOptions?: { maxBatchSize: number };
  /** Lists: the rows of one call, for the same reason. The gateway makes further calls. */
  rowsPerCall?: number;
  /**
   * Lists: the joins that the action can read in its own statement, by field, each with the maximum
   * number of rows of a call that requests it (`including`), so that the result stays below NATS's
   * 1 MB. The access rules of the list and of the join must agree.
   */
  includes?: Readonly<Record<string, number>>;
  /**
   * Lookups by `id`: the action of the same service that returns several rows, and null for an
   * unknown id. A batch holds lookups of several requests, so everyone must be allowed to call it.
   */
  batchedBy?: string;
  /**
   * Pages of a Relay connection: the action of the same service that counts the rows with the same
   * filters. The field's `filter` and its other arguments are the action's parameters.
   */
  countedBy?: string;
  /**
   * Mutations of a batch: the parameter with the list of items, and the cost of an item. The lists of
   * the result have one row for each item.
   */
  items?: { parameter: string; costPerItem: number };
  /** Mutations: an idempotency key has no effect, so that a call with a key may not be repeated. */
  ignoresKey?: true;
  /** Mutations: whether the call gets the client's header User-Agent, as `ctx.meta.userAgent`. */
  takesUserAgent?: true;
  /** The rate limit's cost of a call, without the cost of its values; 10 for a mutation by default. */
  cost?: number;
}

/** A field of GraphQL's Subscription: events, for viewers that meet `access` and `owner`. */
export interface SubscriptionField {
  /** The field's declaration. An argument selects events whose field of that name is equal. */
  field: string;
  /** The types of events of the same contract. */
  events: readonly string[];
  access: Access;
  /** The event's field with the owner's id: users see their own events, admins see all. */
  owner?: string;
  /** An action, called by one id, whose result the field returns in place of the event's data. */
  load?: { action: string; parameter: string; from: string };
}

/**
 * An enum for values that a service sends. The gateway adds the value UNKNOWN, which clients get for
 * a value that the gateway does not know yet.
 */
export interface OpenEnum {
  description: string;
  /** The meanings of the values. */
  values: Readonly<Record<string, string>>;
}

/** A field that an action loads, batched over the whole request. */
export interface Join {
  action: string;
  dataLoader: true;
  /** Maps a field of the parent to an array parameter of the action. */
  rootParams: Record<string, string>;
  /** The most rows of a list. Required for a list field without an argument that limits it. */
  maxRows?: number;
}

/** The header of a call that names joins. A node that does not know the header ignores it. */
const header = "include";

/** Returns the options of a call that requests joins: see `GraphqlField.includes`. */
export function including(fields: readonly string[]): { headers?: Record<string, unknown> } {
  return fields.length === 0 ? {} : { headers: { [header]: fields } };
}

/** Returns true if the caller requests a join. */
export function includes({ headers }: { headers: unknown }, field: string): boolean {
  const { [header]: fields } = headers as Record<string, unknown>;
  return Array.isArray(fields) && fields.includes(field);
}
