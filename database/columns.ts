import type { DataType, ModelAttributeColumnOptions } from "sequelize";

/** The columns of a model for a row type. A missing or an additional column does not compile. */
export type ColumnsOf<Row> = {
  [Column in keyof Row]-?: DataType | ModelAttributeColumnOptions;
};

/**
 * Returns an SQL expression of a time as ISO 8601 text in UTC, the form in which services send times.
 */
export function isoTime(expression: string): string {
  return `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** Returns a SELECT list. Store it under a name that ends in `Columns`, which lint allows in SQL. */
export function selectList(columns: object): string {
  return Object.keys(columns).join(", ");
}
