import type { ServiceBroker } from "moleculer";
import { invalidField } from "../core/errors.ts";
import type { FeedState } from "../core/events/event-progress.ts";
import { callIfAvailable } from "../core/tasks/call-if-available.ts";
import type { Query } from "../database/statements/prepared-statements.ts";

/** A running consumer reads the log every 5 s; longer pauses are those of a restart or an outage. */
const aliveSeconds = 60;
const answerTimeoutMs = 1_000;

/**
 * Forgets a removed consumer, so that the log can be pruned past its position. Returns whether the
 * log knew it. Throws BAD_USER_INPUT for a consumer that runs: events that it has not applied could
 * be pruned.
 */
export async function forgetReader(
  broker: ServiceBroker,
  query: Query,
  producer: string,
  consumer: string,
): Promise<boolean> {
  // A consumer with a halted feed runs, but does not confirm its position.
  if (await consumes(broker, producer, consumer)) {
    throw invalidField(
      "consumer",
      `${consumer} runs and consumes the events of ${producer}: stop its nodes first.`,
    );
  }
  const forgotten = await query(
    `DELETE FROM event_readers WHERE consumer = $1
       AND seen_at < now() - $2 * interval '1 second' RETURNING consumer`,
    [consumer, aliveSeconds],
  );
  if (forgotten.length > 0) return true;
  const [reader] = await query<{ seconds: number }>(
    `SELECT extract(epoch FROM now() - seen_at)::integer AS seconds
     FROM event_readers WHERE consumer = $1`,
    [consumer],
  );
  if (reader === undefined) return false;
  throw invalidField(
    "consumer",
    `${consumer} has read the log of ${producer} ${reader.seconds} s ago, so it may run: stop its nodes, and try again ${aliveSeconds} s after its last read.`,
  );
}

/** Returns false also if no node of the consumer answers. */
async function consumes(
  broker: ServiceBroker,
  producer: string,
  consumer: string,
): Promise<boolean> {
  const feeds = await callIfAvailable<FeedState[]>(
    broker,
    `${consumer}.feeds`,
    {},
    { timeout: answerTimeoutMs },
  ).catch(() => undefined);
  return feeds?.some((feed) => feed.producer === producer) ?? false;
}
