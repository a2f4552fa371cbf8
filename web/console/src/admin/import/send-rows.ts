import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { errorText } from "../../api/error-text.ts";
import type { ReadRow } from "./match-rows.ts";

/** The maximum number of products that the shop looks up in one request. */
const maxRows = 100;
/** Far below the largest body of a request, 1 MiB. */
const maxBytes = 400_000;

/** Splits rows into batches, each of which fits into one request. */
export function* batchesOf(rows: readonly ReadRow[]): Generator<ReadRow[], void, undefined> {
  const encoder = new TextEncoder();
  let batch: ReadRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = encoder.encode(JSON.stringify(row.values)).length;
    if (batch.length > 0 && (batch.length === maxRows || bytes + size > maxBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(row);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Sends items in one request. The shop rejects a whole request if one of its items breaks a rule: then
 * it is sent in halves, so that only this item fails.
 */
export async function sendValid<Item>(
  items: readonly Item[],
  send: (part: readonly Item[]) => Promise<unknown>,
  onRejected: (item: Item, reason: string) => void,
): Promise<void> {
  const [first] = items;
  if (first === undefined) return;
  try {
    await send(items);
  } catch (error) {
    if (!isShopError(error, "BAD_USER_INPUT", "QUERY_TOO_COMPLEX")) throw error;
    if (items.length === 1) {
      onRejected(first, errorText(error));
      return;
    }
    const half = Math.ceil(items.length / 2);
    await sendValid(items.slice(0, half), send, onRejected);
    await sendValid(items.slice(half), send, onRejected);
  }
}
