import { expect, test } from "@jest/globals";
import { summaryOf } from "../../database/statements/statement-span.ts";

test.each([
  ["SELECT id FROM orders WHERE user_id = $1", "SELECT orders"],
  ['SELECT "id" FROM "users" AS "user" WHERE email = \'a@b.c\'', "SELECT users"],
  ["INSERT INTO known_users (id, name) VALUES ($1, $2)", "INSERT known_users"],
  [
    "UPDATE sessions SET ended_at = now() FROM users u WHERE u.id = $1",
    "UPDATE sessions SELECT users",
  ],
  ["DELETE FROM event_batches WHERE position < $1", "DELETE event_batches"],
  [
    "WITH gone AS (DELETE FROM event_log WHERE position < $1 RETURNING 1) SELECT count(*) FROM gone",
    "DELETE event_log",
  ],
  [
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest($1::uuid[])), done AS (UPDATE products SET stock = 1 FROM asked RETURNING id) SELECT * FROM done JOIN lines ON true",
    "UPDATE products SELECT lines",
  ],
  ["SELECT extract(epoch FROM created_at) FROM products FOR UPDATE", "SELECT products"],
  ["UPDATE products SET name = $1 WHERE name IS DISTINCT FROM other", "UPDATE products"],
  ["SELECT 1", "SELECT"],
  ["COMMIT;", "COMMIT"],
])("the summary of %s is %s", (sql, summary) => {
  expect(summaryOf(sql)).toBe(summary);
});

test("a summary has at most 255 characters", () => {
  const tables = Array.from(
    { length: 100 },
    (_, index) => `JOIN table_${"abcdefghij"[index % 10] ?? ""}${"xyzuvw"[index % 6] ?? ""}`,
  );
  expect(summaryOf(`SELECT 1 FROM orders ${tables.join(" ")}`).length).toBeLessThanOrEqual(255);
});
