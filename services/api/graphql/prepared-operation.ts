import type { SpanOptions } from "@opentelemetry/api";
import {
  OperationTypeNode,
  type ExecutionResult,
  type GraphQLError,
  type OperationDefinitionNode,
} from "graphql";
import { addressGroup } from "../../../core/network/caller-address.ts";
import { inChildSpan, inSpan } from "../../../core/tracing/spans.ts";
import { costShareOf } from "../limits/callers.ts";
import {
  HeldBytes,
  overloadOf,
  type ExceededLimit,
  type ResourceUsage,
} from "../limits/resource-usage.ts";
import { Room } from "../limits/room.ts";
import type { RowsInFlight } from "../limits/rows-in-flight.ts";
import type { Throttle } from "../limits/throttle.ts";
import type { OperationMetrics } from "../observability/operation-metrics.ts";
import { shortName } from "../observability/request-log.ts";
import { executePlan } from "./engine/execute.ts";
import type { Execution, ExecutionInput } from "./engine/execution-state.ts";
import { subscribeToPlan, type ExecutedEvents } from "./engine/subscribe.ts";
import { codedError, type FormattedError } from "./graphql-errors.ts";
import {
  contextFor,
  type ExecutedAnswer,
  type GraphqlContext,
  type Operation,
  type RequestSender,
} from "./graphql-operation.ts";
import type { CheckedRequest } from "./request-checks.ts";

/**
 * Makes the room of the large queries that are executed at a time, by their expected values. A value
 * takes some 100 bytes until the response is complete; a query that waits, some 100 kB.
 */
export const roomOfLargeQueries = (): Room =>
  new Room({ perAddress: 10_000, inAll: 20_000 }, { perAddress: 20, inAll: 60 });
/** Queries with fewer values or fewer root fields never wait: a client may send many long lists. */
const largeCost = 1_000;
const fewRootFields = 5;

/** Characters of a response that count as one value. */
const charactersPerValue = 10;

/** What an execution needs from the gateway. */
export interface GatewayParts {
  throttle: Throttle;
  rows: RowsInFlight;
  largeQueries: Room;
  usage: ResourceUsage;
  metrics: OperationMetrics;
  /** Formats an error for the client. */
  toClient: (error: GraphQLError, requestId: string) => FormattedError;
}

/** An operation that has passed all checks and is paid with its expected cost. */
export class PreparedOperation implements Operation {
  readonly kind: OperationTypeNode;
  readonly #request: CheckedRequest;
  readonly #sender: RequestSender;
  readonly #parts: GatewayParts;
  readonly #caller: string;
  readonly #addressGroup: string;
  readonly #context: GraphqlContext;
  /** Whether the response is decided, so that it needs no further calls. */
  #isOver = false;

  /** @param caller the rate limit key of the sender */
  constructor(request: CheckedRequest, sender: RequestSender, caller: string, parts: GatewayParts) {
    this.kind = request.node.operation;
    this.#request = request;
    this.#sender = sender;
    this.#parts = parts;
    this.#caller = caller;
    this.#addressGroup = addressGroup(sender.address);
    this.#context = contextFor(sender, {
      addressGroup: this.#addressGroup,
      take: (cost) => parts.throttle.take(this.#caller, this.#charged(cost)),
      readRows: (size, list) => parts.rows.read(this.#addressGroup, size, list),
      isOver: () => this.#isOver,
    });
  }

  toArgs(): ReturnType<Operation["toArgs"]> {
    const { schema, document, operationName } = this.#request;
    return {
      schema,
      document: document.document,
      operationName: operationName ?? null,
      contextValue: this.#context,
      prepared: this,
    };
  }

  async run(requestId: string): Promise<ExecutedAnswer> {
    const { result, values } = await this.#execute(inChildSpan);
    const errors = result.errors?.map((error) => this.#parts.toClient(error, requestId));
    const text = JSON.stringify({ errors, data: result.data });
    this.#settle(Math.max(values, text.length / charactersPerValue));
    const isThrottled =
      errors?.some(({ extensions }) => extensions.code === "TOO_MANY_REQUESTS") ?? false;
    return { text, isExecuted: result.data !== undefined, isThrottled };
  }

  async execute(): Promise<ExecutionResult> {
    // A message of a WebSocket connection has no span of HTTP.
    const { result, values } = await this.#execute(inSpan);
    this.#settle(values);
    return result;
  }

  async subscribe(): Promise<ExecutedEvents | ExecutionResult> {
    const startedMs = performance.now();
    const { work } = this.#request.cost;
    const events = await subscribeToPlan(this.#input(), (values) =>
      this.#parts.throttle.charge(this.#caller, this.#charged(work + values)),
    );
    this.#report(startedMs, "errors" in events ? events : {});
    return events;
  }

  async #execute(inOwnSpan: typeof inChildSpan): Promise<Execution> {
    const startedMs = performance.now();
    const held = new HeldBytes(this.#parts.usage, this.#addressGroup);
    const input: ExecutionInput = {
      ...this.#input(),
      // The rejection of a mutation would say that it had no effect.
      ...(this.kind === OperationTypeNode.QUERY && {
        hold: (bytes) => {
          const excess = held.set(bytes);
          return excess && errorOf(excess);
        },
      }),
      onTooLarge: () => {
        this.#isOver = true;
      },
    };
    try {
      const options = () => spanOptionsOf(this.#request.node);
      const execution = await inOwnSpan(this.kind, options, () => this.#executeInTurn(input));
      this.#report(startedMs, execution.result);
      return execution;
    } finally {
      // The transport holds the bytes of the complete response.
      held.set(0);
    }
  }

  /** Executes the plan; of a large query when there is room for it, if that is in time. */
  async #executeInTurn(input: ExecutionInput): Promise<Execution> {
    const { expected } = this.#request.cost;
    const isSmall = expected <= largeCost || input.plan.fields.length <= fewRootFields;
    if (this.kind !== OperationTypeNode.QUERY || isSmall) return executePlan(input);
    const { largeQueries, usage } = this.#parts;
    const excess = largeQueries.excess(this.#addressGroup);
    if (excess !== undefined) return rejection(usage.reject(excess));
    let execution: Promise<Execution> | undefined;
    const inTurn = () =>
      largeQueries.within(this.#addressGroup, expected, async () => {
        if (!this.#context.isOver()) await (execution = executePlan(input));
      });
    try {
      await this.#context.race(inTurn);
    } catch (error) {
      // An execution that has begun ends by itself: it makes no further calls.
      if (!this.#context.isOver()) throw error;
    }
    return execution ?? rejection(usage.reject("gateway"));
  }

  #input(): ExecutionInput {
    const { schema, document, node, plan, variables } = this.#request;
    return {
      schema,
      operation: node,
      fragments: document.fragments,
      plan: plan.selections,
      variables,
      context: this.#context,
    };
  }

  #report(startedMs: number, result: ExecutionResult): void {
    const { node, plan } = this.#request;
    const durationMs = performance.now() - startedMs;
    const outcome = this.#parts.metrics.executed(this.kind, plan.selections, result, durationMs);
    this.#sender.onDone?.({ kind: this.kind, name: node.name?.value, ...outcome }, durationMs);
  }

  /** Charges or returns the difference between the actual and the expected cost. */
  #settle(actualCost: number): void {
    const { work, expected } = this.#request.cost;
    this.#parts.throttle.settle(this.#caller, this.#charged(work + actualCost - expected));
  }

  /** Returns what the sender is charged for a cost. */
  #charged(cost: number): number {
    return costShareOf(this.#sender.viewer) * cost;
  }
}

function rejection(excess: ExceededLimit): Execution {
  return { result: { errors: [errorOf(excess)], data: null }, values: 0 };
}

function errorOf(excess: ExceededLimit): GraphQLError {
  const { message, definition, data } = overloadOf(excess);
  return codedError(message, definition, data);
}

/** OpenTelemetry's attributes of a GraphQL server. Not the name of the client's choice in the name. */
function spanOptionsOf({ operation, name }: OperationDefinitionNode): SpanOptions {
  return {
    attributes: {
      "graphql.operation.type": operation,
      ...(name !== undefined && { "graphql.operation.name": shortName(name.value) }),
    },
  };
}
