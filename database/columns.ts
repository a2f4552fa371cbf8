import type { DataType, ModelAttributeColumnOptions } from "sequelize";

/** How a model maps the columns of a row type. A column too many or too few does not compile. */
export type ColumnsOf<Row> = {
  [Column in keyof Row]-?: DataType | ModelAttributeColumnOptions;
};

/** Gives the SELECT list of these columns. The result's name ends in `Columns`: lint allows it in SQL. */
export function selectList(columns: object): string {
  return Object.keys(columns).join(", ");
}
