import { locatedError, type ExecutionResult } from "graphql";
import { isClientError } from "../../../../core/errors.ts";
import { executePlan } from "./execute.ts";
import { executeShared } from "./shared-executions.ts";
import { infoOf, type ExecutionInput } from "./execution-state.ts";

/**
 * Opens the event stream of a subscription's only root field, by "6.2.3" of the GraphQL
 * specification: each event is executed like a query, with the event as the root value. Returns
 * errors if the field has no stream.
 *
 * @param onExecuted called with the number of values of each response
 */
export async function subscribeToPlan(
  input: ExecutionInput,
  onExecuted: (values: number) => void,
): Promise<ExecutedEvents | ExecutionResult> {
  const [field] = input.plan.fields;
  if (field === undefined) throw new Error("A subscription has no root field.");
  const { definition, nodes, readArguments, responseKey, parentType } = field;
  const path = { prev: undefined, key: responseKey, typename: parentType.name };
  try {
    const args = readArguments(input.variables);
    const info = infoOf(input, field, path);
    const events = await definition.subscribe?.(undefined, args, input.context, info);
    if (!isAsyncIterable(events)) throw new Error(`${definition.name} has no stream of events.`);
    return new ExecutedEvents(input, events[Symbol.asyncIterator](), onExecuted);
  } catch (error) {
    return { errors: [locatedError(error, nodes, [responseKey])] };
  }
}

/** A stream of events. */
interface EventSource extends AsyncIterator<unknown, unknown> {
  /** Marks the last event, if a client can continue after it. */
  cursor?: string;
  /** Whether the first event without a response ends the stream, so that the client misses none. */
  endsAfterFault?: boolean;
  /** Whether each event is one object for all subscriptions, so that they share its executions. */
  isShared?: boolean;
}

/** The responses to a stream of events. An async generator cannot be ended while it waits. */
export class ExecutedEvents implements AsyncIterableIterator<ExecutionResult> {
  readonly #input: ExecutionInput;
  readonly #events: EventSource;
  readonly #onExecuted: (values: number) => void;

  constructor(input: ExecutionInput, events: EventSource, onExecuted: (values: number) => void) {
    this.#input = input;
    this.#events = events;
    this.#onExecuted = onExecuted;
  }

  /** The cursor of the last response; undefined if it has no data, or if there are no cursors. */
  cursor: string | undefined;

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    const { done, value } = await this.#events.next();
    if (done === true) return { done, value: undefined };
    const input = { ...this.#input, root: value };
    const { result, values, isFirst } =
      this.#events.isShared === true
        ? await executeShared(input as typeof input & { root: object })
        : { ...(await executePlan(input)), isFirst: true };
    // The subscription that causes an execution pays for it.
    this.#onExecuted(isFirst ? values : 0);
    const isLost = result.data === null && hasFault(result);
    this.cursor = isLost ? undefined : this.#events.cursor;
    if (isLost && this.#events.endsAfterFault === true) await this.return();
    return { done: false, value: result };
  }

  async return(): Promise<IteratorResult<ExecutionResult, undefined>> {
    await this.#events.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Returns whether an error is a fault, which another try may not have. */
function hasFault({ errors = [] }: ExecutionResult): boolean {
  return errors.some(({ originalError }) => !isClientError(originalError));
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
