import type { ExecutionArgs, GraphQLError, GraphQLSchema } from "graphql";
import type { Context, ServiceBroker } from "moleculer";
import type { Actor, Meta, Viewer } from "../../core/access.ts";
import { addressGroup } from "../../core/caller-address.ts";
import type { EdgeConfig } from "../../core/edge-config.ts";
import { Refusal } from "../../core/errors.ts";
import { DocumentRefused, Documents, refusing } from "./documents.ts";
import { clientError, codedError, type ClientError } from "./graphql-errors.ts";
import type { IdempotencyKeys } from "./idempotency-keys.ts";
import type { Patience } from "./patience.ts";
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
  patience: Patience;
}

/** An answer as JSON, and whether anything was executed for it. */
interface Answer {
  text: string;
  isExecuted: boolean;
  /** Whether a part of it was asked for too often. */
  isThrottled: boolean;
}

/** An operation that may be executed. */
export interface Operation {
  kind: "query" | "mutation" | "subscription";
  args: ExecutionArgs & { contextValue: GraphqlContext };
  /** Executes a query or a mutation, and gives its answer as JSON. */
  run: (requestId: string) => Promise<Answer>;
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
    const caller = callerOf(viewer, address);
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
    const args = {
      ...{ schema: this.#schema, document: checked.document, variableValues: variables },
      operationName: operationName ?? null,
      contextValue: contextFor(sender),
    };
    const run = async (requestId: string) => {
      const { data, errors } = await checked.execute(args);
      const told = errors?.map((error) => this.toClient(error, requestId));
      const text = JSON.stringify({ errors: told, data });
      const spent = work + text.length / charactersPerValue;
      // What the answer has turned out not to have.
      if (spent < total) this.#throttle.giveBack(caller, total - spent);
      const isThrottled =
        told?.some(({ extensions }) => extensions.code === "TOO_MANY_REQUESTS") ?? false;
      return { text, isExecuted: data !== undefined, isThrottled };
    };
    return { kind: operation.operation, args, run };
  }

  #charge(caller: string, cost: number): void {
    const retryAfter = this.#throttle.take(caller, cost);
    if (retryAfter === undefined) return;
    const message = "You ask for more than one caller may in so short a time; try again later.";
    throw new Refusal("TOO_MANY_REQUESTS", message, { retryAfter });
  }

  /** What a client sees of an error; faults of ours are logged under the request's id. */
  toClient(error: GraphQLError, requestId: string): ClientError {
    const told = clientError(error, requestId, (fault) => {
      this.#logger.error(`request ${requestId} failed`, fault);
    });
    if (this.#edge.suggestions) return told;
    return { ...told, message: told.message.replace(/ Did you mean .*\?/s, "") };
  }
}

/** Whom a request counts for: a user wherever they are, or else an address. */
export function callerOf(viewer: Viewer, address: string): string {
  return viewer.kind === "user" ? viewer.id : addressGroup(address);
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

function badRequest(message: string): GraphQLError {
  return codedError(message, "BAD_REQUEST");
}

function refused(message: string): DocumentRefused {
  return new DocumentRefused([badRequest(message)]);
}

/** The context of one operation, which calls as long as there is somebody to answer to. */
function contextFor({ ctx, viewer, address, keys, patience }: Sender): GraphqlContext {
  ctx.meta.viewer = viewer;
  ctx.meta.address = address;
  const call = (action: string, params?: unknown) => {
    if (patience.isOver) throw tooLong();
    return patience.while(ctx.call(action, params));
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
