import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { isExposed, type ActionContract } from "../../core/contract.ts";
import { contracts } from "../../services/registry.ts";

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "actions.md"), "utf8");

/** Returns the cells of each table row whose first cell is a dotted name, by this name. */
function rowsOf(section: string): Record<string, string[]> {
  const start = page.indexOf(`\n## ${section}\n`);
  const text = page.slice(start, page.indexOf("\n## ", start + 1));
  const rows = [...text.matchAll(/^\| `([a-z]+\.\w+)` +\|(.*)\|$/gm)];
  return Object.fromEntries(
    rows.map(([, name = "", cells = ""]) => [name, cells.split("|").map((cell) => cell.trim())]),
  );
}

/** Returns a cell with these names, as the page writes it. */
function cellOf(names: string[]): string {
  return names.map((name) => `\`${name}\``).join(", ") || "—";
}

function parametersOf({ params }: ActionContract): string {
  const rules = Object.entries(params).filter(([name]) => !name.startsWith("$$"));
  return cellOf(
    rules.map(([name, rule]) => ((rule as { optional?: boolean }).optional ? `${name}?` : name)),
  );
}

function accessOf({ access }: ActionContract): string {
  return typeof access === "string" ? access : `${access.publicReads}\\*`;
}

/** Returns the fields that load their values by an action. */
function joinsOf(action: string): string[] {
  return contracts.flatMap(({ name, graphql }) => {
    const joins = Object.entries(graphql?.resolvers ?? {}).flatMap(([type, fields]) =>
      Object.entries(fields)
        .filter(([, join]) => join.action === action)
        .map(([field]) => `\`${type}.${field}\``),
    );
    const loadsNodes = Object.values(graphql?.nodes ?? {}).some(
      (key) => `${name}.${key}` === action,
    );
    return loadsNodes ? [...joins, "`nodes`"] : joins;
  });
}

/** Returns the possible cells for the GraphQL field of an action. */
function fieldsOf(name: string, action: ActionContract): string[] {
  const { query, mutation } = action.graphql ?? {};
  // The declaration may begin with a description.
  const [field] = /\w+/.exec((query ?? mutation ?? "").replace(/"""[^]*?"""|"[^"]*"/g, "")) ?? [];
  if (field !== undefined) return [`\`${field}\``];
  if (action.graphql !== undefined) return joinsOf(name);
  return [isExposed(action) ? "internal" : "—"];
}

const actions = contracts.flatMap(({ name, actions }) =>
  Object.entries(actions).map(([key, action]) => [`${name}.${key}`, action] as const),
);

test("docs/actions.md lists exactly the actions of the contracts, with parameters and access", () => {
  const listed = Object.entries(rowsOf("Actions")).map(([name, [parameters, access]]) => [
    name,
    parameters,
    access,
  ]);
  expect(listed).toEqual(
    actions.map(([name, action]) => [name, parametersOf(action), accessOf(action)]),
  );
});

test.each(actions)("docs/actions.md names the GraphQL field of %s", (name, action) => {
  expect(fieldsOf(name, action)).toContain(rowsOf("Actions")[name]?.[2]);
});

test("docs/actions.md lists exactly the events of the contracts, with version, producer and data", () => {
  const listed = Object.entries(rowsOf("Events")).map(([type, cells]) => [
    type,
    ...cells.slice(0, 3),
  ]);
  const declared = contracts.flatMap(({ name, events }) =>
    Object.entries(events).map(([type, { version, data }]) => [
      type,
      String(version),
      name,
      cellOf(Object.keys(data)),
    ]),
  );
  expect(listed.sort()).toEqual(declared.sort());
});
