import { GraphQLError, type ExecutionArgs, type GraphQLSchema } from "graphql";
import type { Context, ServiceBroker } from "moleculer";
import type { Actor, Meta, Viewer } from "../../core/access.ts";
import { addressGroup } from "../../core/caller-address.ts";
import type { EdgeConfig } from "../../core/edge-config.ts";
import { Refusal, serviceUnavailable } from "../../core/errors.ts";
import { DocumentRefused, Documents, refusing } from "./documents.ts";
import { clientError } from "./graphql-errors.ts";
import type { IdempotencyKeys } from "./idempotency-keys.ts";
import { PersistedDocuments } from "./persisted-documents.ts";
import type { FieldCosts } from "./query-cost.ts";
import { assertShallow, maxExecutionMs } from "./request-limits.ts";
import { Throttle } from "./throttle.ts";

/** What resolvers find in the GraphQL context; moleculer-apollo-server's own need the first two. */
export interface GraphqlContext extends Record<PropertyKey, unknown> {
  ctx: Pick<Context<unknown, Meta>, "call" | "meta">;
  dataLoaders: Map<string, unknown>;
  keys: IdempotencyKeys;
  actor: Actor;
  requestId: string;
}

/** The parts of a GraphQL request, whichever way it came. */
export interface RequestParams {
  query?: unknown;
  operationName?: unknown;
  variables?: unknown;
  extensions?: unknown;
}

/** Who sends it, and on whose behalf the gateway calls. */
export interface Sender {
  ctx: Context<unknown, Meta>;
  viewer: Viewer;
  address: string;
  keys: IdempotencyKeys;
  /** Ends when there is nobody any more to answer to. */
  gone: AbortSignal;
}

/** An operation that may be executed. */
export interface Operation {
  args: ExecutionArgs & { contextValue: GraphqlContext };
  kind: "query" | "mutation" | "subscription";
  /** Says how long the answer has become: what it has cost less than it could have is given back. */
  answered: (characters: number) => void;
}

/** A request counts that much, besides what it asks for. */
const requestCost = 1;
/** What a document costs that is refused: it was read and checked, which is work. */
const refusedCost = 50;
/** So many characters of an answer are about one value. */
const charactersPerValue = 10;

/** Everything between a request as it came and the execution of its operation. */
export class GraphqlExecution {
  readonly #schema: GraphQLSchema;
  readonly #documents: Documents;
  readonly #persisted: PersistedDocuments;
  readonly #throttle: Throttle;
  readonly #edge: EdgeConfig;
  readonly #logger: ServiceBroker["logger"];

  constructor(
    schema: GraphQLSchema,
    fieldCosts: FieldCosts,
    edge: EdgeConfig,
    logger: ServiceBroker["logger"],
  ) {
    this.#schema = schema;
    this.#documents = new Documents(schema, fieldCosts, edge);
    this.#persisted = new PersistedDocuments(edge.persistedDocuments);
    this.#throttle = new Throttle(edge.rateLimitPerSecond);
    this.#edge = edge;
    this.#logger = logger;
  }

  /**
   * Checks a request: its form, its document, its cost, and whether its sender has had too many.
   * Throws DocumentRefused, or a Refusal with TOO_MANY_REQUESTS; no action is called before.
   */
  prepare(params: RequestParams, sender: Sender): Operation {
    const { viewer, address } = sender;
    const caller = viewer.kind === "user" ? viewer.id : addressGroup(address);
    this.#charge(caller, requestCost);
    try {
      return this.#checked(params, sender, caller);
    } catch (error) {
      // With nothing left to take, the next request is refused.
      if (error instanceof DocumentRefused) this.#throttle.take(caller, refusedCost);
      throw error;
    }
  }

  #checked(params: RequestParams, sender: Sender, caller: string): Operation {
    const { query, operationName, variables, extensions } = refusing(() => wellFormed(params));
    const text = refusing(() => this.#persisted.textOf({ query, extensions }));
    if (text === undefined) throw refused("The request has no document: there is no `query`.");
    const checked = this.#documents.check(text);
    const operation = checked.operation(operationName);
    if (operation === undefined) {
      throw refused("The document has several operations, or none of this `operationName`.");
    }
    const { total, work } = this.#documents.cost(checked, operation, variables ?? {});
    this.#charge(caller, total);
    return {
      args: {
        schema: this.#schema,
        document: checked.document,
        operationName: operationName ?? null,
        variableValues: variables,
        contextValue: contextFor(sender),
      },
      kind: operation.operation,
      answered: (characters) => {
        const spent = work + characters / charactersPerValue;
        if (spent < total) this.#throttle.giveBack(caller, total - spent);
      },
    };
  }

  #charge(caller: string, cost: number): void {
    const retryAfter = this.#throttle.take(caller, cost);
    if (retryAfter === undefined) return;
    const message = "You ask for more than one caller may in so short a time; try again later.";
    throw new Refusal("TOO_MANY_REQUESTS", message, { retryAfter });
  }

  /** What a client sees of an error; faults of ours are logged under the request's id. */
  toClient(error: GraphQLError, requestId: string): GraphQLError {
    const told = clientError(error, requestId, (fault) => {
      this.#logger.error(`request ${requestId} failed`, fault);
    });
    return this.#edge.suggestions ? told : withoutSuggestion(told);
  }
}

/** Checks the types of a request's parts. Throws GraphQLErrors. */
function wellFormed({ query, operationName, variables, extensions }: RequestParams) {
  if (query !== undefined && query !== null && typeof query !== "string") {
    throw badRequest("`query` must be a text.");
  }
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string") {
    throw badRequest("`operationName` must be a text.");
  }
  const given = { variables: asObject("variables", variables) };
  const further = { extensions: asObject("extensions", extensions) };
  return { query: query ?? undefined, operationName, ...given, ...further };
}

function asObject(name: string, value: unknown): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) {
    throw badRequest(`\`${name}\` must be an object.`);
  }
  assertShallow(value, name);
  return value as Record<string, unknown>;
}

export function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, null, null, null, null, null, { code: "BAD_REQUEST" });
}

function refused(message: string): DocumentRefused {
  return new DocumentRefused([badRequest(message)]);
}

/**
 * The context of one operation. When its time is up or its sender has gone, what is under way is
 * not waited for any more, and nothing further is begun.
 */
function contextFor({ ctx, viewer, address, keys, gone }: Sender): GraphqlContext {
  ctx.meta.viewer = viewer;
  ctx.meta.address = address;
  const tooLate = Promise.withResolvers<never>();
  // Where no call is under way, nobody hears of it.
  tooLate.promise.catch(() => undefined);
  gone.addEventListener("abort", () => {
    tooLate.reject(serviceUnavailable("This took too long, and was given up."));
  });
  const call = (action: string, params?: unknown) => {
    if (gone.aborted) throw tooLong();
    return Promise.race([ctx.call(action, params), tooLate.promise]);
  };
  return {
    ctx: { meta: ctx.meta, call },
    dataLoaders: new Map(),
    keys,
    actor: viewer,
    requestId: ctx.requestID ?? "",
  };
}

function tooLong(): Refusal {
  const message = `The request took longer than ${maxExecutionMs} ms; this part of it was not begun.`;
  return new Refusal("QUERY_TOO_COMPLEX", message, {
    ...{ limit: maxExecutionMs, value: maxExecutionMs },
  });
}

function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ Did you mean .*\?/s, "");
  if (message === error.message) return error;
  const { nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, nodes, source, positions, path, undefined, extensions);
}
