import { GraphQLError, type ExecutionResult, type FormattedExecutionResult } from "graphql";
import { ClientError, tooManyRequests } from "../../../../core/errors.ts";
import { apiErrors } from "../../api.errors.ts";
import type { GraphqlExecution } from "../../graphql/graphql-execution.ts";
import type { Operation } from "../../graphql/graphql-operation.ts";
import { Deadline } from "../../limits/deadline.ts";
import { maxExecutionMs } from "../../limits/request-limits.ts";
import { resourceLimits } from "../../limits/resource-usage.ts";
import type { LiveClient, LiveGateway } from "./live-client.ts";

/** Running operations of one connection. */
export const maxOperations = 100;
/** The connection keeps the id of each operation. */
export const maxIdCharacters = 256;
/** The cost of delivering an event: it is filtered, executed and sent. */
const deliveryCost = 2;

/** A running operation of an open connection, within the limits of its client. */
export class LiveOperation {
  readonly deadline: Deadline;
  readonly #gateway: LiveGateway;
  readonly #client: LiveClient;
  readonly #opened = Promise.withResolvers<undefined>();
  #isOpen = false;
  #isSubscription = false;

  constructor(gateway: LiveGateway, client: LiveClient, deadline = new Deadline()) {
    this.#gateway = gateway;
    this.#client = client;
    this.deadline = deadline;
  }

  /** Whether a subscription receives events, or another operation runs, or it has ended. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves when it is open. */
  get opened(): Promise<unknown> {
    return this.#opened.promise;
  }

  /** Notes that it is open. */
  open(): void {
    this.#isOpen = true;
    this.#opened.resolve(undefined);
  }

  /** Counts a subscription, or starts the deadline. Throws TOO_MANY_REQUESTS. */
  start(kind: Operation["kind"]): void {
    const { usage, timeLimits } = this.#gateway.parts;
    if (kind !== "subscription") {
      this.open();
      timeLimits.set(this.deadline, maxExecutionMs);
      return;
    }
    if (usage.acquire(this.#client.group, "subscriptions") !== undefined) {
      throw tooManySubscriptions();
    }
    this.#isSubscription = true;
    timeLimits.clear(this.deadline);
  }

  /** Charges the delivery of an event. Throws TOO_MANY_REQUESTS at the maximum debt. */
  chargeDelivery(): void {
    if (!this.#isSubscription || this.#client.charge(deliveryCost)) return;
    const message = "Your subscriptions receive too many events. Subscribe to fewer.";
    throw tooManyRequests(message, 1);
  }

  /** Ends the operation and aborts its calls: it is complete, or its client has left. */
  end(): void {
    const { usage, timeLimits } = this.#gateway.parts;
    if (this.#isSubscription) usage.release(this.#client.group, "subscriptions");
    this.#isSubscription = false;
    timeLimits.clear(this.deadline);
    this.deadline.disconnect();
    this.open();
  }
}

function tooManySubscriptions(): ClientError {
  const { perAddress } = resourceLimits.subscriptions;
  const message = `An address may have ${perAddress} subscriptions. Complete one first.`;
  return tooManyRequests(message, 1);
}

export function tooManyOperations(): ClientError {
  const message = `A connection may have ${maxOperations} running operations. Wait until one completes.`;
  return tooManyRequests(message, 1);
}

export function invalidId(): ClientError {
  const message = "The id is too long, or another operation with this id is still running.";
  return new ClientError(apiErrors.BAD_REQUEST, message);
}

/** Returns a result whose errors are formatted for the client. */
export function formatResult(
  execution: GraphqlExecution,
  { data, errors }: ExecutionResult,
  requestId: string,
): FormattedExecutionResult {
  return {
    ...(errors && { errors: errors.map((error) => execution.toClient(error, requestId)) }),
    ...(data !== undefined && { data }),
  };
}

/** Makes a GraphQLError with a path, which marks an error of execution and not of variables. */
export function asGraphql(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const path: string[] = [];
  return new GraphQLError(cause.message, { path, originalError: cause });
}

/** Converts an error to an error result: graphql-ws would close the connection of an exception. */
export async function orErrors<Result>(
  work: () => Promise<Result>,
): Promise<Result | ExecutionResult> {
  try {
    return await work();
  } catch (error) {
    return { errors: [asGraphql(error)] };
  }
}
