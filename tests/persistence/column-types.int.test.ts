import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Sequelize } from "sequelize";
import { preparedOn, type Query } from "../../database/statements/prepared-statements.ts";
import { openSequelize } from "../../database/sequelize.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

let databases: TestDatabases;
let sequelize: Sequelize;
let query: Query;

beforeAll(async () => {
  databases = await cloneDatabases({ empty: true });
  sequelize = openSequelize(databases.urls.orders, 1);
  query = preparedOn(sequelize);
});
afterAll(async () => {
  await sequelize.close();
  await databases.drop();
});

test("a statement returns bigint columns, counts and sums of integers as numbers", async () => {
  const rows = await query(
    `SELECT 9007199254740991::bigint AS position, count(*) AS count, sum(number) AS sum,
       array_agg(number) AS list, NULL::bigint AS nothing
     FROM unnest($1::integer[]) AS given (number)`,
    [[2, 3]],
  );
  expect(rows).toEqual([
    { position: 9_007_199_254_740_991, count: 2, sum: 5, list: [2, 3], nothing: null },
  ]);
});

test("a transaction of Sequelize returns bigint columns as numbers", async () => {
  const rows = await sequelize.transaction((transaction) =>
    preparedOn(sequelize, transaction)("SELECT -7::bigint AS number", []),
  );
  expect(rows).toEqual([{ number: -7 }]);
});

test("a bigint that a number cannot hold is an error", async () => {
  await expect(query("SELECT 9007199254740993::bigint AS number", [])).rejects.toThrow(/bigint/);
  // The connection is still of use.
  expect(await query("SELECT 1::bigint AS number", [])).toEqual([{ number: 1 }]);
});
