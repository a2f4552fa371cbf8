import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import {
  maxAnswerBytes,
  maxAnswerErrors,
} from "../../services/api/graphql/engine/execution-state.ts";
import { maxErrors } from "../../services/api/graphql/graphql-errors.ts";
import { maxSlotWaitMs } from "../../services/api/limits/concurrency-limit.ts";
import {
  maxBodyBytes,
  maxDocumentCharacters,
  maxExecutionMs,
  maxQueryCost,
  maxVariablesDepth,
  maxVariablesMembers,
  requestLimits,
} from "../../services/api/limits/request-limits.ts";
import { resourceLimits } from "../../services/api/limits/resource-usage.ts";

const testsFolder = join(import.meta.dirname, "..");
const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "security.md"), "utf8");

test("docs/security.md names an existing test file for each threat", () => {
  const threats = page.slice(page.indexOf("## Threats")).split("\n");
  const rows = threats.filter((line) => /^\| (?!threat|-)/.test(line));
  expect(rows.length).toBeGreaterThanOrEqual(20);
  for (const row of rows) {
    const proof = row.split("|").at(-2) ?? "";
    const tests = [...proof.matchAll(/`([\w-]+\.(?:unit|int|cluster|browser))`/g)];
    const hasProof = tests.length > 0 || proof.includes("npm run check");
    expect({ row, hasProof }).toEqual({ row, hasProof: true });
    for (const [, name] of tests) {
      const [file] = globSync(`**/${name}.test.ts`, { cwd: testsFolder });
      expect({ name, file }).toEqual({ name, file: expect.any(String) });
    }
  }
});

test("docs/security.md states the limits that the code enforces", () => {
  const {
    tokens,
    lines,
    fields,
    expandedFields,
    depth,
    aliases,
    rootFields,
    directives,
    introspectionLists,
  } = requestLimits;
  const number = (value: number) => value.toLocaleString("en");
  for (const text of [
    `${number(maxDocumentCharacters)} / ${number(tokens)} / ${number(lines)}`,
    `after fragments are expanded | ${fields} / ${number(expandedFields)} |`,
    `depth of a document | ${depth} |`,
    `${aliases} / ${rootFields} / ${directives}`,
    `nested introspection lists | ${introspectionLists} |`,
    `depth / members of \`variables\` and \`extensions\` | ${maxVariablesDepth} / ${number(maxVariablesMembers)}`,
    `response | ${number(maxQueryCost)} / ${maxAnswerBytes / 1_048_576} MiB`,
    `errors in one validation / in one response | ${maxErrors} / ${maxAnswerErrors}`,
    `body | ${maxBodyBytes / 1_048_576} MiB`,
    `time of a request | ${maxExecutionMs / 1_000} s`,
    `further ones wait in order, up to ${maxSlotWaitMs / 1_000} s |`,
    ...Object.entries({
      "concurrent requests": resourceLimits.requests,
      "pipelined requests": resourceLimits.pipelined,
      "concurrent pages": resourceLimits.pages,
      connections: resourceLimits.connections,
      "WebSocket connections": resourceLimits.sockets,
      subscriptions: resourceLimits.subscriptions,
    }).map(([resource, { perAddress, inAll }]) => {
      const limits = [perAddress, inAll].map(number);
      return `| ${resource}: per address / total | ${limits.join(" / ")} |`;
    }),
    `buffered bytes: per address / total | ${resourceLimits.bytes.perAddress / 1_048_576} MiB / ${resourceLimits.bytes.inAll / 1_048_576} MiB`,
  ]) {
    expect(page.replaceAll(/ +/g, " ")).toContain(text);
  }
});
