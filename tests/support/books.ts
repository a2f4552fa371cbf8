import type { TestDatabases } from "./databases.ts";
import { eventually } from "../../tools/support/eventually.ts";

/** What the products database says of a product. */
export interface Books {
  /** What can be ordered. */
  stock: number;
  /** Held for orders that are not known to be placed yet. */
  reserved: number;
  /** What is on hand: the sum of the ledger. */
  onHand: number;
}

/** The books of a product. They are right when `stock = onHand - reserved`. */
export async function booksOf(databases: TestDatabases, productId: string): Promise<Books> {
  const [books] = await databases.query<Books>(
    "products",
    `SELECT p.stock,
       coalesce((SELECT sum(l.quantity) FROM reservation_lines l JOIN reservations r USING (order_id)
                 WHERE l.product_id = p.id AND r.state = 'HELD'), 0)::int AS reserved,
       coalesce((SELECT sum(c.change) FROM stock_changes c WHERE c.product_id = p.id), 0)::int
         AS "onHand"
     FROM products p WHERE p.id = $1`,
    [productId],
  );
  if (books === undefined) throw new Error(`there is no product ${productId}`);
  return books;
}

/** Waits until what was ordered of a product is sold, and nothing is held of it any more. */
export function settledBooksOf(databases: TestDatabases, productId: string): Promise<Books> {
  return eventually("the reservations become sales", async () => {
    const books = await booksOf(databases, productId);
    return books.reserved === 0 ? books : undefined;
  });
}

/** Lets the time of all reservations be over, which else are held for as long as the settings say. */
export async function expireReservations(databases: TestDatabases): Promise<void> {
  await databases.query(
    "products",
    "UPDATE reservations SET expires_at = now() - interval '1 second' WHERE state = 'HELD'",
  );
}

/** Products whose books do not close: `stock = onHand - reserved` does not hold, or is negative. */
export function booksThatDiffer(databases: TestDatabases): Promise<(Books & { id: string })[]> {
  return databases.query(
    "products",
    `SELECT * FROM
       (SELECT p.id, p.stock,
          coalesce((SELECT sum(l.quantity) FROM reservation_lines l JOIN reservations r USING (order_id)
                    WHERE l.product_id = p.id AND r.state = 'HELD'), 0)::int AS reserved,
          coalesce((SELECT sum(c.change) FROM stock_changes c WHERE c.product_id = p.id), 0)::bigint
            AS "onHand"
        FROM products p) books
     WHERE stock <> "onHand" - reserved OR stock < 0`,
  );
}
