/** Puts rows into the order of the ids that were asked for, with null where there is none. */
export function inOrderOf<Row extends { id: string }>(ids: string[], rows: Row[]): (Row | null)[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}
