import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "graphql";
import {
  measure,
  requestLimits,
  type DocumentSize,
} from "../../services/api/limits/request-limits.ts";
import { exampleGroups, welcome } from "../../web/playground/src/examples.ts";
import { originalDocuments } from "../support/graphql/original-documents.ts";

const projectDir = join(import.meta.dirname, "..", "..");
const examples = exampleGroups.flatMap((group) => group.examples);

/** Returns the GraphQL code blocks of a page. */
function blocksIn(page: string): string[] {
  const text = readFileSync(join(projectDir, page), "utf8");
  return [...text.matchAll(/^```graphql\n(.*?)^```/gms)].map(([, block = ""]) => block);
}

/** Returns the operations of a text, which may contain several operations to be sent one by one. */
function operationsIn(text: string): string[] {
  return parse(text).definitions.map(({ loc }) => text.slice(loc?.start, loc?.end));
}

const pages = globSync(["README.md", "docs/**/*.md"], { cwd: projectDir });
const texts: Record<string, string[]> = {
  ...Object.fromEntries(pages.map((page) => [page, blocksIn(page)])),
  "the playground": [welcome, ...examples.map(({ query }) => query)],
  "the original": Object.values(originalDocuments),
};
const operations = Object.entries(texts).flatMap(([place, blocks]) =>
  blocks.flatMap(operationsIn).map((operation) => ({
    place,
    operation,
    start: operation.replace(/\s+/g, " ").slice(0, 60),
  })),
);

describe("the documents of the README, the docs and the playground", () => {
  test("are found", () => {
    expect(operations.length).toBeGreaterThan(20);
  });

  test.each(operations)("stay below a third of every limit: $place, $start", ({ operation }) => {
    const size = measure(operation, parse(operation));
    const near = Object.entries(size).filter(
      ([name, value]) => value >= requestLimits[name as keyof DocumentSize] / 3,
    );
    expect(near).toEqual([]);
  });
});
