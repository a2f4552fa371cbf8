import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import {
  maxBodyBytes,
  maxExecutionMs,
  maxVariablesDepth,
  requestLimits,
} from "../services/api/request-limits.ts";
import { maxQueryCost } from "../services/api/query-cost.ts";

const page = readFileSync(join(import.meta.dirname, "..", "docs", "security.md"), "utf8");

test("each test that docs/security.md names for a threat is there, and each threat has one", () => {
  const threats = page.slice(page.indexOf("## Threats")).split("\n");
  const rows = threats.filter((line) => /^\| (?!threat|-)/.test(line));
  expect(rows.length).toBeGreaterThanOrEqual(20);
  for (const row of rows) {
    const named = row.split("|").at(-2) ?? "";
    const tests = [...named.matchAll(/`([\w-]+\.(?:unit|int|cluster|browser))`/g)];
    expect({ row, shown: tests.length > 0 || named.includes("npm run check") }).toEqual({
      ...{ row, shown: true },
    });
    for (const [, name] of tests) {
      const file = join(import.meta.dirname, `${name}.test.ts`);
      expect({ name, exists: existsSync(file) }).toEqual({ name, exists: true });
    }
  }
});

test("the limits it names are those that hold", () => {
  const { tokens, fields, depth, aliases, rootFields, directives, introspectionLists } =
    requestLimits;
  for (const text of [
    `${tokens.toLocaleString("en")} / ${fields} / ${depth}`,
    `${aliases} / ${rootFields} / ${directives}`,
    `introspection | ${introspectionLists}`,
    `\`extensions\` | ${maxVariablesDepth}`,
    `answer | ${maxQueryCost.toLocaleString("en")}`,
    `body | ${maxBodyBytes / 1_048_576} MiB`,
    `one request | ${maxExecutionMs / 1_000} s`,
  ]) {
    expect(page.replaceAll(/ +/g, " ")).toContain(text);
  }
});
