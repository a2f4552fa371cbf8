import { SharedCall } from "../../../core/tasks/shared-call.ts";
import type { BulkAnswer } from "../bulk/bulk.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";

const mergeEveryMs = 10_000;
/** Merging this many entries at once halves their cost. A search reads them in 1 ms. */
const mergedRows = 2_000;

/**
 * Merges pending entries into the index of the search, in a transaction of its own. PostgreSQL does it
 * in the transaction of a change if the list is full, and otherwise leaves the list to autovacuum.
 */
export function searchIndexMerges({ query }: Pick<ProductsDatabase, "query">) {
  let changedRows = 0;
  const merge = new SharedCall(async () => {
    changedRows = 0;
    await query("SELECT gin_clean_pending_list('products_by_words')", []);
  });
  const run = () => merge.get();
  return {
    everyMs: mergeEveryMs,
    run,
    /** Awaits a bulk action, and begins to merge if there are many entries. Returns the answer. */
    async afterChanges(action: Promise<BulkAnswer>): Promise<BulkAnswer> {
      const answer = await action;
      changedRows += answer.succeeded;
      // After a failure, the next periodic run tries again, and reports its own failure.
      if (changedRows >= mergedRows) run().catch(() => undefined);
      return answer;
    },
  };
}
