import { lockCursor, rewindCursor, type RunTransaction } from "../consumer/event-cursor.ts";
import type { Reconciliation } from "./reconcile.ts";
import { recordReconciliation } from "./reconciliations.ts";

interface Rebuild {
  producer: string;
  /** The tables that only the producer's events fill. */
  tables: readonly string[];
  difference: Pick<Reconciliation, "halt" | "lastCommon" | "head">;
  /** The node that sent the call. */
  caller: string | null;
}

/**
 * Empties read models and rewinds the cursor, so that all events of their producer are applied again.
 * If the producer was set back, records the events that it has lost.
 */
export async function rebuildReadModels(
  transaction: RunTransaction,
  { producer, tables, difference, caller }: Rebuild,
): Promise<void> {
  const { halt, lastCommon, head } = difference;
  await transaction(async (work) => {
    const from = await lockCursor(work, producer);
    if (halt === "set_back") {
      const to = { position: 0, eventId: null };
      const entry = { producer, from, to, head, lastCommon, node: caller };
      await recordReconciliation(work, { ...entry, continueFrom: "rebuild" });
    }
    await rewindCursor(work, producer);
    // A table name cannot be a bound parameter. These names come from the consumer's code.
    // eslint-disable-next-line no-restricted-syntax
    for (const table of tables) await work.query(`DELETE FROM ${table}`, []);
  });
}
