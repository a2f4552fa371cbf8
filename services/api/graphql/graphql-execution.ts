import { apiErrors } from "../api.errors.ts";
import type { ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from "graphql";
import type { Context, ServiceBroker } from "moleculer";
import type { Actor, Meta, Viewer } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import type { EdgeConfig } from "../../../config/edge-config.ts";
import { commonErrors, ClientError } from "../../../core/errors.ts";
import { Documents, operationOf, type CheckedDocument } from "./documents.ts";
import { coerceVariables } from "./engine/arguments.ts";
import { executePlan, type ExecutionInput } from "./engine/execute.ts";
import { subscribeToPlan } from "./engine/subscribe.ts";
import {
  DocumentError,
  formatError,
  codedError,
  throwingDocumentError,
  type FormattedError,
} from "./graphql-errors.ts";
import type { IdempotencyKeys } from "./idempotency-keys.ts";
import type { Deadline } from "../limits/deadline.ts";
import { PersistedDocuments } from "./persisted-documents.ts";
import type { QueryCosts } from "../limits/query-cost.ts";
import { assertShort, assertSmallJson, maxExecutionMs } from "../limits/request-limits.ts";
import { Throttle } from "../limits/throttle.ts";

/** What resolvers find in the GraphQL context; moleculer-apollo-server's own need the first two. */
export interface GraphqlContext extends Record<PropertyKey, unknown> {
  ctx: Pick<Context<unknown, Meta>, "call" | "meta">;
  dataLoaders: Map<string, unknown>;
  keys: IdempotencyKeys;
  actor: Actor;
  requestId: string;
}

/** A resolver as moleculer-apollo-server makes it. */
export type Resolver = (
  root: unknown,
  args: Record<string, unknown>,
  context: GraphqlContext,
  info: { fieldName: string },
) => Promise<unknown>;

/** The parts of a GraphQL request, whichever way it came. */
export interface RequestParams {
  query?: unknown;
  operationName?: unknown;
  variables?: unknown;
  extensions?: unknown;
}

/** Who sends it, and on whose behalf the gateway calls. */
export interface RequestSender {
  ctx: Context<unknown, Meta>;
  viewer: Viewer;
  address: string;
  keys: IdempotencyKeys;
  deadline: Deadline;
}

/** An answer as JSON, and whether anything was executed for it. */
export interface Answer {
  text: string;
  isExecuted: boolean;
  /** Whether a part of it was asked for too often. */
  isThrottled: boolean;
}

/** An operation that may be executed. */
export interface Operation {
  kind: "query" | "mutation" | "subscription";
  /** For graphql-ws, which hands them on to `execute` or `subscribe` of the same operation. */
  toArgs: () => ExecutionArgs & { contextValue: GraphqlContext; prepared: Operation };
  /** Executes a query or a mutation, and gives its answer as JSON. */
  run: (requestId: string) => Promise<Answer>;
  /** Executes a query or a mutation. */
  execute: () => Promise<ExecutionResult>;
  /** Opens the event stream of a subscription; gives errors where there is none. */
  subscribe: () => Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
}

const noVariables = {};
/** A request counts that much, besides what it asks for. */
const requestCost = 1;
/** What a document costs that is refused: it was read and checked, which is work. */
const refusedCost = 50;
/** So many characters of an answer are about one value. */
const charactersPerValue = 10;
/** So many bytes that are received are about as much work as one value. */
export const bytesPerCost = 128;
/** So much CPU time that the check of a new document takes is about as much work as one value. */
const checkMicrosecondsPerValue = 25;

/** Everything between a request as it came and the execution of its operation. */
export class GraphqlExecution {
  #schema: GraphQLSchema;
  #documents: Documents;
  readonly #persisted: PersistedDocuments;
  readonly #throttle: Throttle;
  readonly #edge: EdgeConfig;
  readonly #logger: ServiceBroker["logger"];

  constructor(
    schema: GraphQLSchema,
    costs: QueryCosts,
    edge: EdgeConfig,
    logger: ServiceBroker["logger"],
  ) {
    this.#schema = schema;
    this.#documents = new Documents(schema, costs, edge);
    this.#persisted = new PersistedDocuments(edge.persistedDocuments);
    this.#throttle = new Throttle(edge.rateLimitPerSecond);
    this.#edge = edge;
    this.#logger = logger;
  }

  /** Goes on with another schema. Operations that have begun keep theirs. */
  useSchema(schema: GraphQLSchema, costs: QueryCosts): void {
    this.#schema = schema;
    this.#documents = new Documents(schema, costs, this.#edge);
  }

  /** What else a caller causes counts here as well. */
  get throttle(): Throttle {
    return this.#throttle;
  }

  /** Refuses with TOO_MANY_REQUESTS who has nothing left, before more is done for them. */
  admit(caller: string): void {
    this.#charge(caller, 0);
  }

  /**
   * Charges a caller for the bytes of a request, before they are parsed. Throws a Refusal with
   * TOO_MANY_REQUESTS.
   */
  chargeBytes(caller: string, bytes: number): void {
    this.#charge(caller, Math.floor(bytes / bytesPerCost));
  }

  /** Whether the document of a request was checked before: its check takes a moment, and no turn. */
  isKnown({ query, extensions }: RequestParams): boolean {
    if (typeof query === "string") return this.#documents.has(query);
    return query === undefined && extensions !== undefined;
  }

  /**
   * Checks a request: its form, its document, its variables, its cost, and whether its sender has
   * had too many. Throws DocumentRefused, or a Refusal with TOO_MANY_REQUESTS; no action is called
   * before.
   */
  prepare(params: RequestParams, sender: RequestSender): Operation {
    const { viewer, address } = sender;
    const caller = callerOf(viewer, address);
    this.#charge(caller, requestCost);
    try {
      return this.#checked(params, sender, caller);
    } catch (error) {
      // With nothing left to take, the next request is refused.
      if (error instanceof DocumentError) this.#throttle.settle(caller, refusedCost);
      throw error;
    }
  }

  #checked(params: RequestParams, sender: RequestSender, caller: string): Operation {
    const { query, operationName, variables, extensions } = throwingDocumentError(() =>
      wellFormed(params),
    );
    const text = throwingDocumentError(() => this.#persisted.textOf({ query, extensions }));
    if (text === undefined) throw refused("The request has no document: there is no `query`.");
    const document = this.#documents.known(text) ?? this.#checkedAnew(text, caller);
    const operation = operationOf(document, operationName);
    if (operation === undefined) {
      throw refused("The document has several operations, or none of this `operationName`.");
    }
    const values = coerceVariables(operation.variables, variables ?? noVariables);
    const plan = this.#documents.plan(document, operation, values);
    const cost = this.#documents.cost(plan, values);
    this.#charge(caller, cost.expected);
    const context = contextFor(sender);
    const input: ExecutionInput = {
      schema: this.#schema,
      operation: operation.node,
      fragments: document.fragments,
      plan: plan.selections,
      variables: values,
      context,
    };
    const settle = (spent: number) => {
      this.#throttle.settle(caller, cost.work + spent - cost.expected);
    };
    const prepared: Operation = {
      kind: operation.node.operation,
      toArgs: () => ({
        schema: this.#schema,
        document: document.document,
        operationName: operationName ?? null,
        contextValue: context,
        prepared,
      }),
      run: async (requestId) => {
        const { result, values } = await executePlan(input);
        const errors = result.errors?.map((error) => this.toClient(error, requestId));
        const text = JSON.stringify({ errors, data: result.data });
        settle(Math.max(values, text.length / charactersPerValue));
        const isThrottled =
          errors?.some(({ extensions }) => extensions.code === "TOO_MANY_REQUESTS") ?? false;
        return { text, isExecuted: result.data !== undefined, isThrottled };
      },
      execute: async () => {
        const { result, values } = await executePlan(input);
        settle(values);
        return result;
      },
      subscribe: () =>
        subscribeToPlan(input, (values) => this.#throttle.charge(caller, cost.work + values)),
    };
    return prepared;
  }

  /** Checks a document that is not known, and charges the CPU time that this takes. */
  #checkedAnew(text: string, caller: string): CheckedDocument {
    const before = process.threadCpuUsage();
    try {
      return this.#documents.check(text);
    } finally {
      const { user, system } = process.threadCpuUsage(before);
      this.#throttle.settle(caller, Math.floor((user + system) / checkMicrosecondsPerValue));
    }
  }

  #charge(caller: string, cost: number): void {
    const retryAfter = this.#throttle.take(caller, cost);
    if (retryAfter === undefined) return;
    const message = "You ask for more than one caller may in so short a time; try again later.";
    throw new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter });
  }

  /** What a client sees of an error; faults of ours are logged under the request's id. */
  toClient(error: GraphQLError, requestId: string): FormattedError {
    const told = formatError(error, requestId, (fault) => {
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
  if (typeof query === "string") assertShort(query);
  else if (query !== undefined && query !== null) {
    throw badRequest("`query` must be a text.");
  }
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string") {
    throw badRequest("`operationName` must be a text.");
  }
  return {
    query: query ?? undefined,
    operationName,
    variables: asObject("variables", variables),
    extensions: asObject("extensions", extensions),
  };
}

function asObject(name: string, value: unknown): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) {
    throw badRequest(`\`${name}\` must be an object.`);
  }
  assertSmallJson(value, name);
  return value as Record<string, unknown>;
}

function badRequest(message: string): GraphQLError {
  return codedError(message, apiErrors.BAD_REQUEST);
}

function refused(message: string): DocumentError {
  return new DocumentError([badRequest(message)]);
}

/** The context of one operation, which calls as long as there is somebody to answer to. */
function contextFor({ ctx, viewer, address, keys, deadline }: RequestSender): GraphqlContext {
  ctx.meta.viewer = viewer;
  ctx.meta.address = address;
  const call = (action: string, params?: unknown) => {
    if (deadline.isAborted) throw tooLong();
    return deadline.race(ctx.call(action, params));
  };
  return {
    ctx: { meta: ctx.meta, call },
    dataLoaders: new Map(),
    keys,
    actor: viewer,
    requestId: ctx.requestID ?? "",
  };
}

function tooLong(): ClientError {
  const message = `The request took longer than ${maxExecutionMs} ms; this part of it was not begun.`;
  return new ClientError(commonErrors.QUERY_TOO_COMPLEX, message, {
    limit: maxExecutionMs,
    value: maxExecutionMs,
  });
}
