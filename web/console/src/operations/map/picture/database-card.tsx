import type { CSSProperties } from "react";
import { Database } from "lucide-react";
import { mapTexts } from "../../../texts/cluster-map.ts";
import { formatMs, formatRate } from "../../units.ts";
import { connectionsText } from "../cluster-tables.tsx";
import type { ClusterDatabase } from "../use-cluster.ts";
import styles from "./cluster-picture.module.css";

interface DatabaseCardProps {
  database: ClusterDatabase;
  style: CSSProperties;
}

/** The database of a service with the use of its connections and its statements. */
export function DatabaseCard({ database, style }: DatabaseCardProps) {
  const { service, statements } = database;
  return (
    <div
      role="group"
      aria-label={mapTexts.databaseOf(service)}
      className={styles.database}
      style={style}
      data-busy={database.waiting > 0}
    >
      <Database size={20} aria-hidden />
      <div>
        <strong>{service}</strong>
        <div className={styles.databaseFact}>{connectionsText(database)}</div>
        <div className={styles.databaseFact}>
          <strong>{formatRate(statements.perSecond)}</strong>
          {statements.p95Ms !== null && ` · ${mapTexts.p95(formatMs(statements.p95Ms))}`}
        </div>
      </div>
    </div>
  );
}
