import { invalidField, isClientError } from "../../../core/errors.ts";
import type {
  ConsumerProgress,
  FeedState,
  LogProgress,
} from "../../../core/events/event-progress.ts";
import type { RelayConnection } from "../../../core/relay-connection.ts";
import { contracts } from "../../registry.ts";
import type { GraphqlContext } from "../graphql/graphql-operation.ts";

type Calls = GraphqlContext["ctx"];

/** A consumer of a producer, for GraphQL. Null for what only a service that does not answer knows. */
interface EventConsumer {
  producer: string;
  consumer: string;
  head: number | null;
  position: number | null;
  lagEvents: number | null;
  lagSeconds: number | null;
  halted: string | null;
  deadLetters: number | null;
}

const names = contracts
  .filter(({ hasNoConsumers }) => hasNoConsumers !== true)
  .map(({ name }) => name);
const producers = contracts
  .filter(({ events }) => Object.keys(events).length > 0)
  .map(({ name }) => name);

/** The maximum number of pairs of a producer and a consumer. */
export const maxEventConsumers = producers.length * names.length;

/** Returns all consumers, with what the services that answer know. */
export async function eventConsumers(ctx: Calls): Promise<EventConsumer[]> {
  const logs = await Promise.all(
    producers.map((name) => ifAnswered(ctx.call<LogProgress>(`${name}.progress`))),
  );
  const feeds = new Map(
    await Promise.all(
      names.map(async (name) => {
        return [name, await ifAnswered(ctx.call<FeedState[]>(`${name}.feeds`))] as const;
      }),
    ),
  );
  return producers.flatMap((producer, index) => {
    const log = logs[index];
    return names.flatMap((consumer) => {
      const progress = log?.consumers.find((each) => each.consumer === consumer);
      const feed = feeds.get(consumer)?.find((each) => each.producer === producer);
      if (progress === undefined && feed === undefined) return [];
      return [consumerOf(producer, consumer, { log, progress, feed })];
    });
  });
}

interface Known {
  log: LogProgress | undefined;
  progress: ConsumerProgress | undefined;
  feed: FeedState | undefined;
}

function consumerOf(
  producer: string,
  consumer: string,
  { log, progress, feed }: Known,
): EventConsumer {
  return {
    producer,
    consumer,
    head: log?.head ?? null,
    position: feed?.position ?? progress?.position ?? null,
    lagEvents: progress?.behind ?? null,
    lagSeconds: progress?.lagSeconds ?? null,
    halted: feed?.halted?.toUpperCase() ?? null,
    deadLetters: feed?.deadLetters ?? null,
  };
}

/** Returns undefined for a service that does not answer. Throws client errors, such as FORBIDDEN. */
async function ifAnswered<Result>(call: Promise<Result>): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isClientError(error)) throw error;
    return undefined;
  }
}

/** Calls an action for a page of a connection without a count. */
export async function pageOf<Node>(
  ctx: Calls,
  action: string,
  page: object,
): Promise<RelayConnection<Node> & { nodes: Node[] }> {
  const { edges, pageInfo } = await ctx.call<RelayConnection<Node>, object>(action, page);
  return { edges, pageInfo, nodes: edges.map(({ node }) => node) };
}

/** Checks the name of a consumer: any other text must not become a part of an action's name. */
export function consumerNamed(name: string): string {
  if (names.includes(name)) return name;
  throw invalidField("consumer", "'consumer' is no service with consumers.");
}
