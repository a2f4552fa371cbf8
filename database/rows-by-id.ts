/** Puts rows into the order of the ids that were asked for, with null where there is none. */
export function inOrderOf<Row extends { id: string }>(ids: string[], rows: Row[]): (Row | null)[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Puts rows into groups, in the order of the ids that were asked for; an empty one where none is. */
export function groupsInOrderOf<Row>(
  ids: string[],
  rows: Row[],
  idOf: (row: Row) => string,
): Row[][] {
  const groups = Map.groupBy(rows, idOf);
  return ids.map((id) => groups.get(id) ?? []);
}
