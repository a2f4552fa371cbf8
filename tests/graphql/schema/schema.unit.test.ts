import { describe, expect, test } from "@jest/globals";
import {
  buildSchema,
  getNamedType,
  getOperationAST,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  parse,
  type GraphQLInputType,
} from "graphql";
import {
  isExposed,
  type ActionContract,
  type Contract,
  type ParamRule,
} from "../../../core/contract.ts";
import { maxInt } from "../../../core/validation.ts";
import { operationsCosts } from "../../../services/api/operations/operations-fields.ts";
import { namedTypeOf, parseField } from "../../../services/api/graphql/schema/field-declaration.ts";
import { pricedFields, queryCosts } from "../../../services/api/graphql/schema/field-costs.ts";
import { planOperation } from "../../../services/api/graphql/engine/plan.ts";
import { contracts } from "../../../services/registry.ts";
import { composedSchema, schemaFiles } from "../../../tools/reference/composed-schema.ts";
import { currentText } from "../../../tools/reference/generated-files.ts";
import { faultsOfChanges } from "../../../tools/reference/schema-changes.ts";

const schema = composedSchema();
const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));
const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});

/** An element of the schema: a type, field, argument, input field or enum value. */
interface Element {
  name: string;
  description?: string | null | undefined;
}

function elementsOf(type: (typeof types)[number]): Element[] {
  const named = ({ name, description }: Element): Element => ({
    name: `${type.name}.${name}`,
    description,
  });
  if (isEnumType(type)) return [type, ...type.getValues().map(named)];
  if (isInputObjectType(type)) return [type, ...Object.values(type.getFields()).map(named)];
  if (!isObjectType(type) && !isInterfaceType(type)) return [type];
  const fields = Object.values(type.getFields()).flatMap((field) => [
    named(field),
    ...field.args.map((arg) => named({ ...arg, name: `${field.name}(${arg.name})` })),
  ]);
  return [type, ...fields];
}

test("every type, field, argument, input field and enum value has a description", () => {
  const elements = types.flatMap(elementsOf);
  expect(elements.length).toBeGreaterThan(200);
  const undescribed = elements.filter(({ description }) => (description ?? "").trim() === "");
  expect(undescribed.map(({ name }) => name)).toEqual([]);
});

/** Returns the cost of the work of a document. */
function workOf(source: string): number {
  const operation = getOperationAST(parse(source));
  if (!operation) throw new Error("there is no operation");
  const plan = planOperation(schema, operation, {}, new Map());
  return queryCosts(schema).of(plan, {}).work;
}

test("every mutation has its price in the rate limit", () => {
  const hashing = ["registerUser", "login", "changePassword", "updateProfile", "resetPassword"];
  expect(mutations).toHaveLength(32);
  const prices = mutations.map(({ name, args }) => {
    const variables = args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(" ");
    const given = args.map((arg) => `${arg.name}: $${arg.name}`).join(" ");
    const field = args.length === 0 ? name : `${name}(${given})`;
    return [name, workOf(`mutation ${variables && `(${variables})`} { ${field} { __typename } }`)];
  });
  const costsOfOperations = new Map(operationsCosts);
  // A list counts as at least one item.
  const bulk = ["createProducts", "updateProducts", "updateInventories"];
  const expected = mutations.map(({ name }) => {
    if (bulk.includes(name)) return [name, 15];
    const priced = costsOfOperations.get(`Mutation.${name}`);
    if (priced !== undefined) return [name, priced];
    return [name, hashing.includes(name) ? 100 : 10];
  });
  expect(prices).toEqual(expected);
});

test("every field of a root type has a price, although descriptions stand before its name", () => {
  const declared = contracts.flatMap(({ actions, graphql }) => [
    ...Object.values(actions).flatMap(
      ({ graphql: { query, mutation } = {} }) => query ?? mutation ?? [],
    ),
    ...Object.values(graphql?.subscriptions ?? {}).map(({ field }) => field),
  ]);
  const names = declared.map((field) => parseField(field).name.value);
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = roots.flatMap((root) => Object.keys(root?.getFields() ?? {}));
  // The gateway declares these fields, which have no contract. Each of the operation has a price.
  const own = operationsCosts.map(([field]) => field.replace(/^\w+[.]/, ""));
  expect(new Set(fields)).toEqual(new Set([...names, ...own, "node", "nodes"]));
  for (const [field, work] of pricedFields(schema)) {
    const [type = "", name = ""] = field.split(".");
    const parent = schema.getType(type);
    expect({ field, isField: isObjectType(parent) && name in parent.getFields() }).toEqual({
      field,
      isField: true,
    });
    expect(work).toBeGreaterThan(0);
  }
  expect(workOf('{ node(id: "a") { id } }')).toBe(10);
  expect(workOf('{ nodes(ids: ["a"]) { id } }')).toBe(10);
});

test.each(["products", "orders", "users"])(
  "the counts of %sConnection have their price",
  (rows) => {
    expect(workOf(`{ ${rows}Connection { totalCount totalCountIsExact } }`)).toBe(100);
  },
);

/** The parameters of exposed actions that have a GraphQL argument or input field. */
const parameters = contracts.flatMap(({ actions }) =>
  Object.values(actions)
    .filter(isExposed)
    .flatMap(({ graphql: { query, mutation } = {}, params }) => {
      const declaration = mutation ?? query;
      if (declaration === undefined) return [];
      const root = mutation === undefined ? schema.getQueryType() : schema.getMutationType();
      const field = root?.getFields()[parseField(declaration).name.value];
      return (field?.args ?? []).flatMap((arg) => membersOf(arg.name, arg, arg.type, params));
    }),
);

/** Returns the bounded parameters of an argument with their rules, and of the fields of an input. */
function membersOf(
  name: string,
  { description }: { description?: string | null | undefined },
  type: GraphQLInputType,
  rules: Record<string, unknown>,
): { name: string; description: string; rule: ParamRule }[] {
  const named = getNamedType(type);
  if (isInputObjectType(named)) {
    return Object.values(named.getFields()).flatMap((field) => {
      const { props } = { props: {}, ...((rules[name] as ParamRule | undefined)?.items as object) };
      const inner = name === "input" || name === "filter" ? rules : (props as typeof rules);
      return membersOf(field.name, field, field.type, inner).map((member) => ({
        ...member,
        name: `${named.name}.${member.name}`,
      }));
    });
  }
  const rule = rules[name] as ParamRule | undefined;
  return rule === undefined ? [] : [{ name, description: description ?? "", rule }];
}

/** Returns the bounds of a rule that a description must contain. */
function boundsOf({ type, min, max }: ParamRule): string[] {
  if (!["string", "number", "array"].includes(type)) return [];
  const numbers = [min, max].filter(
    (bound): bound is number => typeof bound === "number" && bound > 0 && bound < maxInt,
  );
  return numbers.map((bound) => bound.toLocaleString("en"));
}

test("the descriptions of arguments and input fields contain the bounds of the validation", () => {
  // Clients do not write cursors themselves.
  const isCursor = (name: string) => ["after", "before"].includes(name);
  const bounded = parameters.filter(
    ({ name, rule }) => !isCursor(name) && boundsOf(rule).length > 0,
  );
  expect(bounded.length).toBeGreaterThan(20);
  for (const { name, description, rule } of bounded) {
    for (const bound of boundsOf(rule)) {
      const numbers = description.match(/\d+(?:,\d+)*/g);
      expect({ name, numbers }).toEqual({ name, numbers: expect.arrayContaining([bound]) });
    }
  }
});

test("`npm run schema` would change no file", async () => {
  for (const file of await schemaFiles()) expect(currentText(file)).toBe(file.text);
});

describe("the check of schema changes", () => {
  const released = buildSchema("type Query { a: Int  b: Int }");
  const removal = "Field 'b' was removed from object type 'Query'";

  test("reports a breaking change that is not accepted", async () => {
    const current = buildSchema("type Query { a: Int }");
    expect(await faultsOfChanges(released, current, "")).toEqual([`Breaking change: ${removal}`]);
    expect(await faultsOfChanges(released, current, `# intended\n${removal}\n`)).toEqual([]);
  });

  test("accepts additions and descriptions", async () => {
    const current = buildSchema('type Query { "new" a(x: Int): Int  b: Int  c: Int }');
    expect(await faultsOfChanges(released, current, "")).toEqual([]);
  });

  test("reports an accepted change that does not exist", async () => {
    expect(await faultsOfChanges(released, released, removal)).toEqual([
      `Accepted, but no breaking change: ${removal}`,
    ]);
  });
});

/** The access rule of a list and the most rows with its joins, and the same of the action of a join. */
function includedJoins(all: readonly Contract[]) {
  const actions = new Map<string, ActionContract>(
    all.flatMap((contract) =>
      Object.entries(contract.actions).map(
        ([key, action]) => [`${contract.name}.${key}`, action] as const,
      ),
    ),
  );
  return [...actions.values()].flatMap(({ access, graphql = {} }) =>
    Object.entries(graphql.includes ?? {}).map(([field, maxRows]) => {
      const type = namedTypeOf(parseField(graphql.query ?? ""));
      const join = all
        .map((contract) => contract.graphql?.resolvers?.[type]?.[field])
        .find(Boolean);
      const loader = actions.get(join?.action ?? "");
      const maxBatchSize = loader?.graphql?.dataLoaderOptions?.maxBatchSize;
      return { list: [access, maxRows], join: [loader?.access, maxBatchSize] };
    }),
  );
}

test("a list includes only joins with its own access rule, as large as a call of the join", () => {
  const included = includedJoins(contracts);
  expect(included.length).toBeGreaterThan(0);
  for (const { list, join } of included) expect(join).toEqual(list);
});
