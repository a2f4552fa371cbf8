import type { TestDatabases } from "../databases.ts";
import { eventually } from "../../../tools/support/eventually.ts";

/** The stock of a product, as products stores it. */
export interface Books {
  /** The pieces that can be ordered. */
  stock: number;
  /** The pieces held for orders that products has not consumed yet. */
  reserved: number;
  /** The sum of the ledger. */
  onHand: number;
}

/** Reads the books of a product. They close when `stock = onHand - reserved`. */
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
  if (books === undefined) throw new Error(`no product ${productId}`);
  return books;
}

/** Waits until no piece of a product is reserved. Returns its books. */
export function settledBooksOf(databases: TestDatabases, productId: string): Promise<Books> {
  return eventually("the reservations becoming sales", async () => {
    const books = await booksOf(databases, productId);
    return books.reserved === 0 ? books : undefined;
  });
}

/** Makes all held reservations expire. */
export async function expireReservations(databases: TestDatabases): Promise<void> {
  await databases.query(
    "products",
    "UPDATE reservations SET expires_at = now() - interval '1 second' WHERE state = 'HELD'",
  );
}

/** Returns the products whose books do not close or whose stock is negative. */
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
