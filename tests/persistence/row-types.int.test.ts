import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import type { Model, ModelStatic, Sequelize } from "sequelize";
import { openSequelize } from "../../database/sequelize.ts";
import { orderModels } from "../../services/orders/order.model.ts";
import { productModels } from "../../services/products/catalogue/product.model.ts";
import { domainServices, type DomainService } from "../../services/registry.ts";
import { userModels } from "../../services/users/accounts/user.model.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { resultColumns, type ResultColumn } from "../support/statements/result-columns.ts";
import {
  findStatements,
  type RowProperty,
  type Statement,
  type ValueKind,
} from "../support/statements/statement-types.ts";

/** What the pool makes of values of PostgreSQL's types. */
const kinds: Record<string, ValueKind> = {
  int2: "number",
  int4: "number",
  int8: "number",
  float8: "number",
  numeric: "string",
  text: "string",
  varchar: "string",
  uuid: "string",
  bool: "boolean",
  timestamptz: "Date",
  bytea: "Buffer",
  json: "json",
  jsonb: "json",
};

let databases: TestDatabases;
let clients: Map<DomainService, pg.Client>;
let statements: Statement[];

beforeAll(async () => {
  databases = await cloneDatabases();
  clients = new Map(
    domainServices.map((service) => [
      service,
      new pg.Client({ connectionString: databases.urls[service] }),
    ]),
  );
  for (const client of clients.values()) await client.connect();
  statements = await findStatements();
});
afterAll(async () => {
  for (const client of clients.values()) await client.end();
  await databases.drop();
});

/** Describes a statement in its service's database; one that services share, in the first that has its tables. */
async function describe({ place, sql = "" }: Statement): Promise<ResultColumn[]> {
  const own = domainServices.filter((service) => place.startsWith(`services/${service}/`));
  const faults: unknown[] = [];
  for (const service of own.length > 0 ? own : domainServices) {
    const client = clients.get(service);
    if (client === undefined) continue;
    try {
      return await resultColumns(client, sql);
    } catch (fault) {
      faults.push(fault);
    }
  }
  throw new Error(`${place}: PostgreSQL does not take the statement: ${String(faults)}`);
}

/** What is different between the columns of a result and the properties of a row type. */
function differences(columns: ResultColumn[], row: Map<string, RowProperty>): string[] {
  const names = new Set(columns.map(({ name }) => name));
  const missing = [...row].flatMap(([name, { isOptional }]) =>
    isOptional || names.has(name) ? [] : [`no column is called ${name}`],
  );
  const wrong = columns.flatMap(({ name, type, isNullable }) => {
    const property = row.get(name);
    if (property === undefined) return [`the row type has no ${name}`];
    const kind = type.startsWith("_") ? "array" : kinds[type];
    if (kind === undefined) return [`the type ${type} of ${name} is not known here`];
    if (!property.takes[kind]) return [`${name} is of the type ${type}, a ${kind}`];
    return isNullable && !property.isNullable ? [`${name} can be null`] : [];
  });
  return [...missing, ...wrong];
}

test("the columns and types of each statement are those of its row type", async () => {
  const found: Record<string, string[]> = {};
  let compared = 0;
  for (const statement of statements) {
    if (statement.sql === undefined || statement.row === undefined) continue;
    const different = differences(await describe(statement), statement.row);
    compared += 1;
    if (different.length > 0) found[statement.place.replace(/:\d+$/, "")] = different;
  }
  expect(found).toEqual({
    // It returns rows of sales, and every sale has an order.
    "services/products/stock/reservations/sell-reservations.ts": ["order_id can be null"],
  });
  expect(compared).toBeGreaterThan(40);
});

test.each([
  ["users", (on: Sequelize) => userModels(on).users],
  ["products", (on: Sequelize) => productModels(on).products],
  ["orders", (on: Sequelize) => orderModels(on).orders],
] as [DomainService, (on: Sequelize) => ModelStatic<Model>][])(
  "the model of %s has the types of its table's columns",
  async (service, modelOn) => {
    const sequelize = openSequelize(databases.urls[service], 1);
    const model = modelOn(sequelize);
    const mapped = Object.values(model.getAttributes()).map(({ field = "", type }) => [
      field,
      (type as { toSql(): string }).toSql(),
    ]);
    const [{ types } = { types: {} }] = await databases.query<{ types: Record<string, string> }>(
      service,
      `SELECT json_object_agg(attname, upper(format_type(atttypid, atttypmod))) AS types
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`,
      [model.tableName],
    );
    expect(mapped).toEqual(mapped.map(([field = ""]) => [field, types[field]]));
    await sequelize.close();
  },
);

test("the statements put together from parts are those of lists, whose columns are column lists", () => {
  const composed = statements
    .filter(({ sql, row }) => sql === undefined && row !== undefined)
    .map(({ place }) => place.replace(/:\d+$/, ""));
  expect([...new Set(composed)]).toEqual([
    "database/audit-trail-pages.ts",
    "database/pages/keyset-statements.ts",
    "database/pages/keyset.ts",
    "services/orders/reading/page-orders.ts",
    "services/products/catalogue/page-products.ts",
    "services/webhooks/deliveries/deliveries-of-events.ts",
    "services/webhooks/deliveries/page-deliveries.ts",
  ]);
});
