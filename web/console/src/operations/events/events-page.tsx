import { Radio } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../../app/pages/page.tsx";
import { useShopQuery } from "../../api/use-shop.ts";
import { eventTexts, operationsTexts } from "../../texts/operations.ts";
import { formatNumber } from "../../ui/format.ts";
import { Badge, EmptyState, Notice, QueryState } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/lists/table.tsx";
import { formatSeconds } from "../units.ts";
import { EventConsumersDocument, type EventConsumersQuery } from "./events.graphql.ts";
import styles from "./events.module.css";

type Consumer = EventConsumersQuery["eventConsumers"][number];

const refreshMs = 3_000;
/** Events are applied within this time, so a consumer with less is no cause for concern. */
const shortLagSeconds = 2;

const columns: readonly Column<Consumer>[] = [
  {
    title: eventTexts.feed,
    cell: (consumer) => <strong className={styles.feed}>{feedOf(consumer)}</strong>,
  },
  { title: eventTexts.state, cell: (consumer) => <StateBadge consumer={consumer} /> },
  { title: eventTexts.position, cell: ({ position }) => numberOf(position), isNumber: true },
  { title: eventTexts.head, cell: ({ head }) => numberOf(head), isNumber: true },
  {
    title: eventTexts.lag,
    cell: ({ lagEvents: lag }) => (lag === null ? operationsTexts.unknown : eventTexts.events(lag)),
    isNumber: true,
  },
  {
    title: eventTexts.age,
    cell: ({ lagSeconds }) =>
      lagSeconds === null ? operationsTexts.unknown : formatSeconds(lagSeconds),
    isNumber: true,
  },
  {
    title: eventTexts.deadLetters,
    cell: ({ consumer, deadLetters }) => (
      <Link
        href={`/operations/events/${consumer}`}
        aria-label={eventTexts.showLetters(numberOf(deadLetters), consumer)}
        className={deadLetters ? styles.letters : undefined}
      >
        {numberOf(deadLetters)}
      </Link>
    ),
    isNumber: true,
  },
];

/** How far each consumer has applied the events, and what keeps it from going on. */
export default function EventsPage() {
  const query = useShopQuery(EventConsumersDocument, {}, { refetchInterval: refreshMs });
  const consumers = query.data?.eventConsumers ?? [];
  return (
    <Page title={eventTexts.title}>
      <p className={styles.intro}>{eventTexts.intro}</p>
      {consumers.map((consumer) => (
        <HaltNotice key={feedOf(consumer)} consumer={consumer} />
      ))}
      {!query.data && <QueryState query={query} count={6} height={48} />}
      {query.data?.eventConsumers.length === 0 && (
        <EmptyState icon={<Radio />} title={eventTexts.noConsumersTitle} />
      )}
      {consumers.length > 0 && (
        <Table caption={eventTexts.consumers} columns={columns} rows={consumers} keyOf={feedOf} />
      )}
    </Page>
  );
}

function feedOf({ producer, consumer }: Consumer): string {
  return eventTexts.from(producer, consumer);
}

function numberOf(value: number | null): string {
  return value === null ? operationsTexts.unknown : formatNumber(value);
}

function StateBadge({ consumer }: { consumer: Consumer }) {
  const { states } = eventTexts;
  const { halted, position, lagSeconds } = consumer;
  if (position === null) return <Badge kind="danger">{states.silent}</Badge>;
  if (halted !== null) return <Badge kind="danger">{states.halted}</Badge>;
  if ((lagSeconds ?? 0) < shortLagSeconds) return <Badge kind="success">{states.current}</Badge>;
  return <Badge kind="warning">{states.behind}</Badge>;
}

/** Says why a consumer does not go on, and what to do. */
function HaltNotice({ consumer }: { consumer: Consumer }) {
  if (consumer.position === null) {
    return (
      <Notice kind="warning">
        <strong>{eventTexts.silentTitle(feedOf(consumer))}</strong> {eventTexts.silentText}
      </Notice>
    );
  }
  if (consumer.halted === null) return null;
  return (
    <Notice kind="danger">
      <strong>{eventTexts.haltedTitle(feedOf(consumer))}</strong>{" "}
      {eventTexts.halts[consumer.halted]}
    </Notice>
  );
}
