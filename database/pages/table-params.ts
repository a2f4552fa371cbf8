import type { Model, ModelStatic } from "sequelize";
import { invalidField } from "../../core/errors.ts";
import { isId } from "../../core/validation.ts";

/** The table that the actions read. Columns that `fields` does not name stay hidden. */
export interface TableShape {
  model: ModelStatic<Model>;
  /** The attributes that are returned and that filters, sorts and searches can use. */
  fields: readonly string[];
  /** The maximum number of rows in an answer, which must stay below NATS's 1 MB. */
  maxRows: number;
  /** The joins by name, each with the maximum number of rows in an answer that includes it. */
  populates?: Readonly<Record<string, { maxRows?: number }>>;
}

/** The parameters of moleculer-db's actions. The validator's rules check them only partly. */
export interface TableParams {
  id?: unknown;
  limit?: number;
  pageSize?: number;
  sort?: unknown;
  fields?: unknown;
  excludeFields?: unknown;
  populate?: unknown;
  search?: string;
  iSearch?: string;
  searchFields?: unknown;
  query?: unknown;
}

/** The maximum number of values of one field in a query. */
const maxValues = 1_000;

function reject(field: string, problem: string): never {
  throw invalidField(field, `The '${field}' field ${problem}.`);
}

/**
 * Checks the parameters that moleculer-db passes to Sequelize unchecked: names of columns and joins,
 * and the values of a query. Converts texts of names to lists. Throws BAD_USER_INPUT.
 */
export function checkedParams(shape: TableShape, params: TableParams): TableParams {
  const { fields, populates = {} } = shape;
  const joins = Object.keys(populates);
  const checked: TableParams = { ...params };
  function checkNames(parameter: keyof TableParams, allowed: readonly string[]): string[] {
    if (params[parameter] === undefined) return [];
    const names = namesIn(parameter, params[parameter]);
    const unknown = names.find((name) => !allowed.includes(nameOf(name, parameter, joins)));
    if (unknown !== undefined) {
      reject(parameter, `names “${unknown}”; it can name ${allowed.join(", ") || "nothing"}`);
    }
    checked[parameter] = names as never;
    return names;
  }

  checkNames("fields", [...fields, ...joins]);
  checkNames("excludeFields", [...fields, ...joins]);
  const joined = checkNames("populate", joins);
  const sorted = checkNames("sort", fields);
  if (!sorted.some((name) => nameOf(name, "sort", joins) === "id")) {
    // Without a unique sort key, rows could change their order from page to page.
    checked.sort = [...sorted, sorted[0]?.startsWith("-") === false ? "id" : "-id"];
  }
  const texts = fields.filter((field) => typeOf(shape, field) === "TEXT");
  if (params.search !== undefined || params.iSearch !== undefined) checked.searchFields = texts;
  checkNames("searchFields", texts);
  if (params.query !== undefined) checked.query = checkedQuery(shape, params.query);

  const maxRows = Math.min(
    shape.maxRows,
    ...joined.map((join) => populates[join]?.maxRows ?? shape.maxRows),
  );
  const size = params.pageSize === undefined ? "limit" : "pageSize";
  if ((params[size] ?? 0) > maxRows) {
    reject(size, `must be less than or equal to ${maxRows}, so that the answer is not too large`);
  }
  if (params.id !== undefined) checkIds(params.id, maxRows);
  // Without a limit, moleculer-db's `find` returns all rows.
  checked.limit = params.limit ?? maxRows;
  return checked;
}

/** Returns the names in a text or a list of texts. */
function namesIn(parameter: string, value: unknown): string[] {
  const names = typeof value === "string" ? value.split(/[,\s]+/).filter(Boolean) : value;
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  return reject(parameter, "must be a text of names, or a list of them");
}

/** Returns the column or join of a name such as `-id` in a sort or `user.username` in fields. */
function nameOf(name: string, parameter: string, joins: readonly string[]): string {
  if (parameter === "sort") return name.replace(/^-/, "");
  const join = joins.find((other) => name.startsWith(`${other}.`));
  return parameter === "fields" && join !== undefined ? join : name;
}

/** Returns Sequelize's name for the type of a column, such as `INTEGER`. */
function typeOf({ model }: TableShape, field: string): string {
  return (model.getAttributes()[field]?.type as { key: string } | undefined)?.key ?? "";
}

/** Returns a query that has only a value or a list of values for each field. Throws BAD_USER_INPUT. */
function checkedQuery(shape: TableShape, input: unknown): Record<string, unknown> {
  const query = typeof input === "string" ? parsed(input) : input;
  if (typeof query !== "object" || query === null || Array.isArray(query)) {
    reject("query", 'must be an object of fields and values, e.g. {"status": "PLACED"}');
  }
  for (const [field, value] of Object.entries(query)) {
    if (!shape.fields.includes(field)) {
      reject("query", `names “${field}”; it can name ${shape.fields.join(", ")}`);
    }
    const values: unknown[] = Array.isArray(value) ? value : [value];
    if (values.length > maxValues) reject("query", `may have ${maxValues} values of '${field}'`);
    const type = typeOf(shape, field);
    if (!values.every((item) => item === null || isOfType(shape, field, item))) {
      reject("query", `must have a value of type ${type} as '${field}', a list of those, or null`);
    }
  }
  return query as Record<string, unknown>;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The part of a model's attribute that Sequelize's types omit. */
interface ValidatingAttribute {
  type: { validate(value: unknown): boolean };
}

function isOfType(shape: TableShape, field: string, value: unknown): boolean {
  if (typeof value === "object") return false;
  const { type } = shape.model.getAttributes()[field] as unknown as ValidatingAttribute;
  // Sequelize's validation rejects some valid UUIDs.
  if (typeOf(shape, field) === "UUID") return isId(value);
  try {
    return type.validate(value);
  } catch {
    return false;
  }
}

function checkIds(id: unknown, maxIds: number): void {
  const ids: unknown[] = Array.isArray(id) ? id : [id];
  if (ids.length > maxIds) reject("id", `may have ${maxIds} ids`);
  if (!ids.every(isId)) reject("id", "must be an id (a UUID), or a list of ids");
}
