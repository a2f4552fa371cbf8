import { memo, type ReactNode } from "react";
import { useMedia } from "./use-media.ts";
import styles from "./table.module.css";

/** A column of a table. */
export interface Column<Row> {
  title: string;
  cell: (row: Row) => ReactNode;
  /** Numbers stand right, so that they can be compared. */
  isNumber?: boolean;
}

interface TableProps<Row> {
  /** What the table contains, for screen readers. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row, index: number) => string;
}

interface TableRowProps<Row> {
  columns: readonly Column<Row>[];
  row: Row;
}

/** A long list renders only the rows that are others than before. */
const TableRow = memo(function TableRow<Row>({ columns, row }: TableRowProps<Row>) {
  return (
    <tr>
      {columns.map(({ title, cell, isNumber }) => (
        <td key={title} data-title={title} className={isNumber ? styles.number : undefined}>
          {cell(row)}
        </td>
      ))}
    </tr>
  );
}) as <Row>(props: TableRowProps<Row>) => ReactNode;

/** The room of a table on tablets, in columns of numbers. A column of text takes that of two. */
const tabletRoom = 10;

/**
 * A table. Where its columns have no room, on phones and with many columns on tablets, each row is a card
 * with the titles of the columns.
 */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  const room = columns.reduce((sum, { isNumber = false }) => sum + (isNumber ? 1 : 2), 0);
  const isWide = room > tabletRoom;
  const isCards = useMedia(isWide ? "(max-width: 1023px)" : "(max-width: 719px)");
  return (
    <div className={styles.frame}>
      <table className={`${styles.table} ${isCards ? styles.cards : ""}`}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th key={title} scope="col" className={isNumber ? styles.number : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <TableRow key={keyOf(row, index)} columns={columns} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
