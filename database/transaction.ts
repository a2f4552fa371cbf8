import type { Sequelize, Transaction } from "sequelize";
import { isUndone } from "./errors/database-errors.ts";

const maxAttempts = 5;

/**
 * Does work in a transaction. Does it again if the transaction was certainly undone and can succeed
 * now: PostgreSQL rolled it back because this process stood still or because of a deadlock, or the
 * connection ended before the commit. A connection ends, for example, while a slow process computes
 * between two statements.
 *
 * @param patienceMs after this time, the caller does not wait any more: the work is not repeated
 */
export async function inTransaction<Result>(
  sequelize: Sequelize,
  work: (transaction: Transaction) => Promise<Result>,
  patienceMs: number,
): Promise<Result> {
  const begunMs = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    const state = { isAtCommit: false };
    try {
      return await sequelize.transaction(async (transaction) => {
        const result = await work(transaction);
        state.isAtCommit = true;
        return result;
      });
    } catch (error) {
      const isLate = performance.now() - begunMs > patienceMs;
      if (isLate || attempt === maxAttempts || !isUndone(error, state.isAtCommit)) throw error;
    }
  }
}
