import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Sequelize } from "sequelize";
import { openSequelize } from "../../database/sequelize.ts";
import { preparedOn, statementOf } from "../../database/statements/prepared-statements.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

let databases: TestDatabases;
/** With one connection, like a pooler that gives it to all clients. */
let sequelize: Sequelize;

beforeAll(async () => {
  databases = await cloneDatabases();
  sequelize = openSequelize(databases.urls.users, 1);
});
afterAll(async () => {
  await sequelize.close();
  await databases.drop();
});

test("the name of a statement does not depend on the statements before it", async () => {
  const path = "../../database/statements/prepared-statements.ts?other-process";
  const other = (await import(path)) as { statementOf: typeof statementOf };
  const [first, second] = ["SELECT 1", "SELECT 2"];
  const names = [statementOf(first).name, statementOf(second).name];
  expect([other.statementOf(second).name, other.statementOf(first).name]).toEqual(
    names.toReversed(),
  );
  expect(new Set(names).size).toBe(2);
});

test("a statement that the connection of a pooler does not know fails and names the setting", async () => {
  const query = preparedOn(sequelize);
  const answer = "SELECT $1::integer AS answer";
  expect(await query(answer, [42])).toEqual([{ answer: 42 }]);
  await sequelize.query("DEALLOCATE ALL");
  await expect(query(answer, [42])).rejects.toThrow(/max_prepared_statements of PgBouncer/);
});
