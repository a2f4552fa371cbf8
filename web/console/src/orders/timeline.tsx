import { orderTexts } from "../texts/orders.ts";
import { formatTime } from "../ui/format.ts";
import type { OrderFactsFragment } from "./orders.graphql.ts";
import { StatusBadge } from "./status-badge.tsx";
import styles from "./timeline.module.css";

type Steps = NonNullable<OrderFactsFragment["history"]>;

/** The changes of an order's status, oldest first. */
export function Timeline({ steps }: { steps: Steps }) {
  return (
    <ol className={styles.timeline}>
      {steps.map(({ status, at, tracking }) => (
        <li key={status} className={styles.step}>
          <StatusBadge status={status} />
          <time dateTime={at}>{formatTime(at)}</time>
          {tracking !== null && <div>{orderTexts.tracking(tracking)}</div>}
        </li>
      ))}
    </ol>
  );
}
