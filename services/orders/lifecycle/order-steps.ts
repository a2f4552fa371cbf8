import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { OrderStatus } from "../orders.contract.ts";
import { orderNotFound } from "../orders.errors.ts";
import { assertAllowed, transitions } from "./order-status.ts";

/** A new step of an order. */
interface NewStep {
  /** The user who takes the step; null for the operator. */
  userId: string | null;
  tracking?: string | undefined;
}

/** Adds the step of a transition to an order's history, and sets the order's status. */
export async function addStep(
  query: Query,
  id: string,
  { to, step }: (typeof transitions)[keyof typeof transitions],
  { userId, tracking }: NewStep,
): Promise<void> {
  await query(
    `WITH step AS (
       INSERT INTO order_history (order_id, step, status, user_id, tracking)
       VALUES ($1, $2, $3, $4, $5)
     )
     UPDATE orders SET status = $3 WHERE id = $1`,
    [id, step, to, userId, tracking ?? null],
  );
}

/**
 * Adds the step of a transition that depends only on the order's status. Throws ORDER_NOT_FOUND, or
 * the error of the transition.
 */
export async function takeStep(
  query: Query,
  id: string,
  transition: typeof transitions.ship | typeof transitions.complete,
  step: NewStep,
): Promise<void> {
  // The lock serializes concurrent transitions, so that the second one sees the first.
  const [current] = await query<{ status: OrderStatus }>(
    "SELECT status FROM orders WHERE id = $1 FOR NO KEY UPDATE",
    [id],
  );
  if (current === undefined) throw orderNotFound();
  assertAllowed(transition, current.status);
  await addStep(query, id, transition, step);
}
