import type { SpanOptions } from "@opentelemetry/api";
import {
  OperationTypeNode,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import type { EdgeConfig } from "../../../config/edge-config.ts";
import { mayActForOthers, type Viewer } from "../../../core/access.ts";
import { addressGroup } from "../../../core/network/caller-address.ts";
import { tooManyRequests } from "../../../core/errors.ts";
import { inChildSpan, inSpan } from "../../../core/tracing/spans.ts";
import type { QueryCosts } from "../limits/query-cost.ts";
import {
  HeldBytes,
  overloadOf,
  type ExceededLimit,
  type ResourceUsage,
} from "../limits/resource-usage.ts";
import { RowsInFlight } from "../limits/rows-in-flight.ts";
import { Throttle } from "../limits/throttle.ts";
import type { OperationMetrics } from "../observability/operation-metrics.ts";
import { shortName, type RequestLog } from "../observability/request-log.ts";
import { executePlan } from "./engine/execute.ts";
import type { ExecutionInput } from "./engine/execution-state.ts";
import { subscribeToPlan } from "./engine/subscribe.ts";
import { codedError, DocumentError, formatError, type FormattedError } from "./graphql-errors.ts";
import {
  contextFor,
  type RequestParams,
  type RequestSender,
  type Operation,
} from "./graphql-operation.ts";
import { RequestChecks, type CheckedRequest } from "./request-checks.ts";

/** The base cost of a request. */
export const requestCost = 1;

/** The cost of a rejected document, which was parsed and validated. */
const rejectedDocumentCost = 50;

/** Characters of a response that count as one value. */
const charactersPerValue = 10;

/** Received bytes that cost as much as one value. */
export const bytesPerCost = 128;

/** What an admin is charged of the cost of an operation: an export reads the whole catalogue. */
const adminShare = 0.1;

/** What an execution needs from the gateway. */
interface ExecutionParts {
  usage: ResourceUsage;
  metrics: OperationMetrics;
  log: RequestLog;
}

/** Checks, throttles and executes GraphQL requests. */
export class GraphqlExecution {
  /** The throttle of all callers, for work outside of GraphQL execution as well. */
  readonly throttle: Throttle;
  readonly #checks: RequestChecks;
  readonly #edge: EdgeConfig;
  readonly #usage: ResourceUsage;
  readonly #rows = new RowsInFlight();
  readonly #metrics: OperationMetrics;
  readonly #log: RequestLog;

  constructor(
    schema: GraphQLSchema,
    costs: QueryCosts,
    edge: EdgeConfig,
    { usage, metrics, log }: ExecutionParts,
  ) {
    this.throttle = new Throttle(edge.rateLimitPerSecond);
    this.#checks = new RequestChecks(schema, costs, edge, this.throttle);
    this.#edge = edge;
    this.#usage = usage;
    this.#metrics = metrics;
    this.#log = log;
    metrics.begin(schema);
  }

  /** Replaces the schema. Operations that have started keep the old schema. */
  useSchema(schema: GraphQLSchema, costs: QueryCosts): void {
    this.#checks.useSchema(schema, costs);
    this.#metrics.begin(schema);
  }

  /** Throws TOO_MANY_REQUESTS if the caller's bucket is in debt. */
  admit(caller: string): void {
    this.#charge(caller, 0);
  }

  /**
   * Charges a caller for the bytes of a request, before they are parsed. Throws a ClientError with
   * TOO_MANY_REQUESTS.
   */
  chargeBytes(caller: string, bytes: number): void {
    this.#charge(caller, Math.floor(bytes / bytesPerCost));
  }

  /** Whether the document of a request is in the cache, so that its check takes little CPU time. */
  isCached(params: RequestParams): boolean {
    return this.#checks.isCached(params);
  }

  /**
   * Checks the form, the document, the variables and the cost of a request, and charges its caller.
   * Throws a DocumentError, or a ClientError with TOO_MANY_REQUESTS. Calls no action.
   */
  prepare(params: RequestParams, sender: RequestSender): Operation {
    const { viewer, address } = sender;
    const caller = callerOf(viewer, address);
    const startedMs = performance.now();
    try {
      this.#charge(caller, requestCost);
      const request = this.#checks.check(params, caller);
      this.#charge(caller, costShareOf(viewer) * request.cost.expected);
      return this.#operationFor(request, sender, caller);
    } catch (error) {
      const codes = this.#metrics.rejected(error);
      sender.onDone?.({ fields: [], codes }, performance.now() - startedMs);
      // The debt rejects the caller's next request.
      if (error instanceof DocumentError) this.throttle.settle(caller, rejectedDocumentCost);
      throw error;
    }
  }

  #operationFor(request: CheckedRequest, sender: RequestSender, caller: string): Operation {
    const { schema, document, operationName, node, plan, variables, cost } = request;
    const share = costShareOf(sender.viewer);
    let isOver = false;
    const group = addressGroup(sender.address);
    const context = contextFor(sender, {
      addressGroup: group,
      take: (taken) => this.throttle.take(caller, share * taken),
      readRows: (rows, list) => this.#rows.read(group, rows, list),
      isOver: () => isOver,
    });
    const input: ExecutionInput = {
      schema,
      operation: node,
      fragments: document.fragments,
      plan: plan.selections,
      variables,
      context,
    };
    const { operation: kind, name } = node;
    const done = (startedMs: number, result: ExecutionResult) => {
      const durationMs = performance.now() - startedMs;
      const outcome = this.#metrics.executed(kind, plan.selections, result, durationMs);
      sender.onDone?.({ kind, name: name?.value, ...outcome }, durationMs);
    };
    const held = new HeldBytes(this.#usage, group);
    const execute = async (inOwnSpan: typeof inChildSpan) => {
      const startedMs = performance.now();
      const limited: ExecutionInput = {
        ...input,
        // The rejection of a mutation would say that it had no effect.
        ...(kind === OperationTypeNode.QUERY && { hold: (bytes) => excessError(held.set(bytes)) }),
        onTooLarge: () => {
          isOver = true;
        },
      };
      try {
        const execution = await inOwnSpan(kind, spanOf(node), () => executePlan(limited));
        done(startedMs, execution.result);
        return execution;
      } finally {
        // The transport holds the bytes of the complete response.
        held.set(0);
      }
    };
    const settle = (actualCost: number) => {
      this.throttle.settle(caller, share * (cost.work + actualCost - cost.expected));
    };
    const prepared: Operation = {
      kind,
      toArgs: () => ({
        schema,
        document: document.document,
        operationName: operationName ?? null,
        contextValue: context,
        prepared,
      }),
      run: async (requestId) => {
        const { result, values } = await execute(inChildSpan);
        const errors = result.errors?.map((error) => this.toClient(error, requestId));
        const text = JSON.stringify({ errors, data: result.data });
        settle(Math.max(values, text.length / charactersPerValue));
        const isThrottled =
          errors?.some(({ extensions }) => extensions.code === "TOO_MANY_REQUESTS") ?? false;
        return { text, isExecuted: result.data !== undefined, isThrottled };
      },
      execute: async () => {
        // A message of a WebSocket connection has no span of HTTP.
        const { result, values } = await execute(inSpan);
        settle(values);
        return result;
      },
      subscribe: async () => {
        const startedMs = performance.now();
        const events = await subscribeToPlan(input, (values) =>
          this.throttle.charge(caller, share * (cost.work + values)),
        );
        done(startedMs, "errors" in events ? events : {});
        return events;
      },
    };
    return prepared;
  }

  #charge(caller: string, cost: number): void {
    const retryAfter = this.throttle.take(caller, cost);
    if (retryAfter === undefined) return;
    const message = "You have exceeded the rate limit. Try again after `retryAfter` seconds.";
    throw tooManyRequests(message, retryAfter);
  }

  /** Formats an error for the client. Logs a fault of the shop under the request id. */
  toClient(error: GraphQLError, requestId: string): FormattedError {
    const formatted = formatError(error, requestId, (fault) => {
      this.#log.fault(requestId, fault);
    });
    if (this.#edge.suggestions) return formatted;
    return { ...formatted, message: formatted.message.replace(/ Did you mean .*\?/s, "") };
  }
}

function excessError(excess: ExceededLimit | undefined): GraphQLError | undefined {
  if (excess === undefined) return undefined;
  const { message, definition, data } = overloadOf(excess);
  return codedError(message, definition, data);
}

/** Returns the rate limit key of a caller: the user id, or the address group if anonymous. */
export function callerOf(viewer: Viewer, address: string): string {
  return viewer.kind === "user" ? viewer.id : addressGroup(address);
}

/** Returns the share of the cost of its operations that a viewer is charged. */
export function costShareOf(viewer: Viewer): number {
  return mayActForOthers(viewer) ? adminShare : 1;
}

/** OpenTelemetry's attributes of a GraphQL server. Not the name of the client's choice in the name. */
function spanOf({ operation, name }: OperationDefinitionNode): () => SpanOptions {
  return () => ({
    attributes: {
      "graphql.operation.type": operation,
      ...(name !== undefined && { "graphql.operation.name": shortName(name.value) }),
    },
  });
}
