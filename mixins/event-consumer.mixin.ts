import type { Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import type { EventEnvelope } from "../core/contract.ts";
import type { ConsumerOptions } from "../core/define-service.ts";
import { ConsumerFeeds } from "../event-log/consumer/consumer-feeds.ts";
import { consumerActions } from "../event-log/consumer/event-consumer.actions.ts";
import type { RunTransaction } from "../event-log/consumer/event-cursor.ts";
import type { Query } from "../database/statements/prepared-statements.ts";

/**
 * Consumes the events of other services. Each event is applied in its producer's order and exactly
 * once, because one transaction contains its effect and the move of the cursor. An event becomes a
 * dead letter if its handler keeps failing or rejects it, or if it violates its contract. Later events
 * go on. A type or version that this node does not know halts the feed.
 *
 * @param database the database of the consumer
 */
export function eventConsumer(
  database: { transaction: RunTransaction; query: Query },
  options: ConsumerOptions,
): Partial<ServiceSchema> {
  const feeds = new ConsumerFeeds(database, options);
  const receive = {
    handler({ params: event }: Context<EventEnvelope>) {
      feeds.receive(event);
    },
  };
  // The consumer also receives events without a handler, so that the positions have no gap.
  const types = options.producers.flatMap(({ events }) => Object.keys(events));
  return {
    actions: consumerActions(database, feeds),
    events: Object.fromEntries(types.map((type) => [type, receive])),
    created(this: Service) {
      feeds.create(this.broker, this.logger);
    },
    async started(this: { broker: ServiceBroker }) {
      feeds.start(this.broker);
    },
    stopped: () => feeds.stop(),
  };
}
