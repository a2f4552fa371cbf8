import { DataTypes, type DataType, type ModelAttributeColumnOptions } from "sequelize";

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

/**
 * Returns a SELECT list. The column of a property in camelCase is in snake_case, as Sequelize names it.
 * Store the list under a name that ends in `Columns`, which lint allows in SQL.
 */
export function selectList(columns: object): string {
  const selected = Object.keys(columns).map((property) => {
    const column = columnOf(property);
    return column === property ? column : `${column} AS "${property}"`;
  });
  return selected.join(", ");
}

/** Returns the names of the columns, for an INSERT. Store it as a SELECT list. */
export function columnList(columns: object): string {
  return Object.keys(columns).map(columnOf).join(", ");
}

/**
 * Returns the arguments of `unnest` in the order of `columnList`, one array for each column, for example
 * `$2::UUID[], $3::TEXT[]`. Store them as a SELECT list. `arraysOf` returns the arrays.
 *
 * @param first the number of the first parameter
 */
export function arrayList(columns: object, first: number): string {
  return Object.values(columns as Record<string, DataType | ModelAttributeColumnOptions>)
    .map((column, at) => `$${first + at}::${sqlTypeOf(column)}[]`)
    .join(", ");
}

/** Returns the values of the rows as one array for each column, in the order of `columnList`. */
export function arraysOf<Row extends object>(
  columns: ColumnsOf<Row>,
  rows: readonly Row[],
): unknown[][] {
  const properties = Object.keys(columns) as (keyof Row)[];
  return properties.map((property) => rows.map((row) => row[property]));
}

/** The same as Sequelize's option `underscored`. */
function columnOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function sqlTypeOf(column: DataType | ModelAttributeColumnOptions): string {
  const { key } = (typeof column === "object" && "type" in column ? column.type : column) as {
    key: string;
  };
  return key === DataTypes.DATE.key ? "timestamptz" : key;
}
