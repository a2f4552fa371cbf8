import { CircleCheck, CircleOff, LogIn, LogOut } from "lucide-react";
import { mapTexts } from "../../texts/cluster-map.ts";
import { formatClock } from "../units.ts";
import type { ClusterChange } from "./cluster-changes.ts";
import styles from "./map-page.module.css";

const icons = { joined: LogIn, left: LogOut, becameSilent: CircleOff, answersAgain: CircleCheck };

/** The nodes that came and went since the page was opened. Screen readers read out new ones. */
export function ChangeList({ changes }: { changes: readonly ClusterChange[] }) {
  return (
    <section className={styles.changes}>
      <h2>{mapTexts.changes}</h2>
      {changes.length === 0 && <p className={styles.quiet}>{mapTexts.noChanges}</p>}
      <div role="log" aria-label={mapTexts.changes}>
        <ol>
          {changes.map(({ id, kind, node, at }) => {
            const Icon = icons[kind];
            return (
              <li key={id}>
                <Icon size={18} aria-hidden className={styles[kind]} />
                <span>{mapTexts[kind](node)}</span>
                <time dateTime={at}>{formatClock(at)}</time>
              </li>
            );
          })}
        </ol>
      </div>
    </section>
  );
}
