import type { Sequelize, Transaction } from "sequelize";
import { hasStoodStill, isConnectionLost, wasNotSent } from "./errors/database-errors.ts";

/** A transaction is not retried after a longer pause of the process: its caller has timed out. */
const standstillMs = 3_000;

/**
 * Does work in a transaction. Does it again if the transaction was certainly undone: PostgreSQL
 * rolled it back because this process stood still, or the connection ended before the commit. A
 * connection ends, for example, while a slow process computes between two statements.
 */
export function inTransaction<Result>(
  sequelize: Sequelize,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  let isAtCommit = false;
  const attempt = () =>
    sequelize.transaction(async (transaction) => {
      isAtCommit = false;
      const result = await work(transaction);
      isAtCommit = true;
      return result;
    });
  const begunMs = performance.now();
  return attempt().catch((error: unknown) => {
    const isUndone =
      hasStoodStill(error) || wasNotSent(error) || (!isAtCommit && isConnectionLost(error));
    if (!isUndone || performance.now() - begunMs > standstillMs) throw error;
    return attempt();
  });
}
