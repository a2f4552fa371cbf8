import { isoTime } from "../../../../database/columns.ts";
import type { PageArguments, RelayConnection } from "../../../../core/relay-connection.ts";
import { readPageById } from "../../../../database/pages/keyset.ts";
import type { HeldReservation } from "../../products.contract.ts";
import type { ProductsDatabase } from "../../products.database.ts";

const heldColumns = `id, at, "expiresAt", "ageSeconds",
  (SELECT count(*)::integer FROM reservation_lines l WHERE l.order_id = held.id) AS lines,
  (SELECT coalesce(sum(quantity), 0)::float8 FROM reservation_lines l WHERE l.order_id = held.id)
    AS pieces`;
const held = {
  select: `SELECT ${heldColumns}`,
  // The partial index finds them: there are few, because an old one is sold or released. OFFSET 0 makes
  // PostgreSQL sort them, because they are the newest of all: along the primary key it would first read
  // the others.
  from: `FROM (
    SELECT order_id AS id, ${isoTime("created_at")} AS at, ${isoTime("expires_at")} AS "expiresAt",
      greatest(0, extract(epoch FROM now() - created_at))::float8 AS "ageSeconds"
    FROM reservations WHERE state = 'HELD' OFFSET 0
  ) held`,
  where: "true",
};

/** Returns a page of the reservations that are neither sold nor released, oldest first. */
export function heldReservations(
  { query }: ProductsDatabase,
  page: PageArguments,
): Promise<RelayConnection<HeldReservation>> {
  return readPageById<HeldReservation>(query, "heldReservations", held, page);
}
