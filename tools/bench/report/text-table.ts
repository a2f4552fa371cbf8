/** A column of a table. */
export interface Column<Row> {
  title: string;
  /** Numbers are aligned to the right. */
  isRight?: boolean;
  cell: (row: Row) => string;
}

/**
 * Lays a table out in Markdown with aligned columns, which is readable on a terminal as well. A group
 * starts with a row that has only its title.
 */
export function textTable<Row>(
  columns: readonly Column<Row>[],
  groups: readonly { title: string; rows: readonly Row[] }[],
): string {
  const lines = groups.flatMap(({ title, rows }) => [
    ...(title === "" ? [] : [columns.map((_column, index) => (index === 0 ? `**${title}**` : ""))]),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ]);
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_column, index) =>
    Math.max(3, ...[titles, ...lines].map((line) => line[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.isRight === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(" | ")} |`;
  const rule = columns.map(({ isRight }, index) => {
    const dashes = "-".repeat((widths[index] ?? 0) - (isRight === true ? 1 : 0));
    return isRight === true ? `${dashes}:` : dashes;
  });
  return [line(titles), line(rule), ...lines.map(line)].join("\n");
}

/** Rounds to three digits, and separates thousands: `1.43`, `25,600`. */
export function numberText(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
}
