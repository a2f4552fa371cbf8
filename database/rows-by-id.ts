/** Returns the rows in the order of the ids, with null for an id without a row. */
export function inOrderOf<Row extends { id: string }>(ids: string[], rows: Row[]): (Row | null)[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Groups rows by id, in the order of the ids, with an empty group for an id without rows. */
export function groupsInOrderOf<Row>(
  ids: string[],
  rows: Row[],
  idOf: (row: Row) => string,
): Row[][] {
  const groups = Map.groupBy(rows, idOf);
  return ids.map((id) => groups.get(id) ?? []);
}
