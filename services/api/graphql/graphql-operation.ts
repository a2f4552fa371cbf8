import type { ExecutionArgs, ExecutionResult } from "graphql";
import type { CallingOptions, Context } from "moleculer";
import type { Actor, Meta, Viewer } from "../../../core/access.ts";
import { commonErrors, ClientError } from "../../../core/errors.ts";
import { clientClosed, type Deadline } from "../limits/deadline.ts";
import { maxExecutionMs } from "../limits/request-limits.ts";
import type { ListSize } from "../limits/rows-in-flight.ts";
import type { OperationReport } from "../observability/operation-metrics.ts";
import type { PlannedInfo } from "./engine/execution-state.ts";
import type { ExecutedEvents } from "./engine/subscribe.ts";
import type { IdempotencyKeys } from "./idempotency-keys.ts";

/** The GraphQL context. The resolvers of moleculer-apollo-server need `ctx` and `dataLoaders`. */
export interface GraphqlContext extends Record<PropertyKey, unknown> {
  ctx: Pick<Context<unknown, Meta>, "call" | "meta">;
  dataLoaders: Map<string, unknown>;
  keys: IdempotencyKeys;
  actor: Actor;
  /** The header User-Agent. */
  userAgent: string | undefined;
  requestId: string;
  /** The cursor after which a subscription continues, in place of its argument `after`. */
  resumeAfter: string | undefined;
  /** The address or the network of the sender, as the limits count it. */
  addressGroup: string;
  /** Takes a cost from the caller's bucket, or returns the seconds until it holds enough. */
  take: (cost: number) => number | undefined;
  /** Reads a list when the gateway has room for its rows. */
  readRows: <Result>(size: ListSize, list: () => Promise<Result>) => Promise<Result>;
  /** Whether the response is decided or its client is gone, so that it needs no further calls. */
  isOver: () => boolean;
  /**
   * Begins work and resolves with its result. Rejects when the time of the request is up or its client
   * disconnects before; then it begins no work.
   */
  race: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/** What the gateway limits for the sender of an operation. */
export type SenderLimits = Pick<GraphqlContext, "addressGroup" | "take" | "readRows" | "isOver">;

/** A resolver as moleculer-apollo-server makes it. */
export type Resolver = (
  root: unknown,
  args: Record<string, unknown>,
  context: GraphqlContext,
  info: Pick<PlannedInfo, "fieldName" | "planned">,
) => Promise<unknown>;

/** The parts of a GraphQL request over HTTP or WebSocket. */
export interface RequestParams {
  query?: unknown;
  operationName?: unknown;
  variables?: unknown;
  extensions?: unknown;
}

/** The caller of a request, and the context of the calls that the gateway makes for it. */
export interface RequestSender {
  ctx: Context<unknown, Meta>;
  viewer: Viewer;
  address: string;
  /** The header User-Agent. */
  userAgent: string | undefined;
  keys: IdempotencyKeys;
  deadline: Deadline;
  /** The cursor after which a subscription continues, in place of its argument `after`. */
  resumeAfter?: string | undefined;
  /** Called when the operation is executed or rejected; for a subscription, when it has begun. */
  onDone?: (report: OperationReport, durationMs: number) => void;
}

/** A response as JSON. */
export interface ExecutedAnswer {
  text: string;
  isExecuted: boolean;
  /** Whether the response has a TOO_MANY_REQUESTS error. */
  isThrottled: boolean;
}

/** An operation that may be executed. */
export interface Operation {
  kind: "query" | "mutation" | "subscription";
  /** For graphql-ws, which passes them to `execute` or `subscribe` of the same operation. */
  toArgs: () => ExecutionArgs & { contextValue: GraphqlContext; prepared: Operation };
  /** Executes a query or a mutation, and returns its response as JSON. */
  run: (requestId: string) => Promise<ExecutedAnswer>;
  /** Executes a query or a mutation. */
  execute: () => Promise<ExecutionResult>;
  /** Opens the event stream of a subscription, or returns errors. */
  subscribe: () => Promise<ExecutedEvents | ExecutionResult>;
}

/** Makes the context of one operation. It makes no calls after the deadline is aborted. */
export function contextFor(
  { ctx, viewer, address, userAgent, keys, deadline, resumeAfter }: RequestSender,
  limits: SenderLimits,
): GraphqlContext {
  ctx.meta.viewer = viewer;
  ctx.meta.address = address;
  const race: GraphqlContext["race"] = (work) => {
    // DataLoader replaces an error that is thrown synchronously with a TypeError, which is a fault.
    if (deadline.isDisconnected) return Promise.reject(clientClosed());
    if (deadline.isAborted || limits.isOver()) return Promise.reject(deadlineExceeded());
    return deadline.race(work());
  };
  const call = (action: string, params?: unknown, options?: CallingOptions) =>
    race(() => ctx.call(action, params, options));
  return {
    ctx: { meta: ctx.meta, call },
    dataLoaders: new Map(),
    keys,
    actor: viewer,
    userAgent,
    requestId: ctx.requestID ?? "",
    resumeAfter,
    ...limits,
    isOver: () => limits.isOver() || deadline.isAborted,
    race,
  };
}

function deadlineExceeded(): ClientError {
  const message = `The request took longer than ${maxExecutionMs} ms. This field was not resolved.`;
  return new ClientError(commonErrors.QUERY_TOO_COMPLEX, message, {
    limit: maxExecutionMs,
    value: maxExecutionMs,
  });
}
