import { beforeEach, describe, expect, test } from "@jest/globals";
import { buildSchema, graphql, type GraphQLObjectType } from "graphql";
import { badUserInput, ClientError, type FieldViolation } from "../../../core/errors.ts";
import { connectRenamedNames } from "../../../services/api/graphql/schema/renamed-names.ts";
import { dateTime } from "../../../services/api/graphql/types/date-time.ts";

const schema = buildSchema(`
  scalar DateTime
  type Thing { unit_price: Int @deprecated(reason: "Use unitPrice.")  unitPrice: Int }
  input Line { productId: ID  product_id: ID @deprecated(reason: "Use productId.") }
  input Filter {
    priceMin: Int  price_min: Int @deprecated(reason: "Use priceMin.")
    from: DateTime  lines: [Line!]  nested: Filter
    placedFrom: DateTime  placed_from: String @deprecated(reason: "Use placedFrom.")
  }
  type Query {
    echo(filter: Filter, userId: ID, user_id: ID @deprecated(reason: "Use userId.")): String
    thing: Thing  late(filter: Filter): String
    other(still_current: Int, stillCurrent: Int): String
  }
`);
Object.assign(schema.getType("DateTime") ?? {}, {
  parseValue: dateTime.parseValue,
  parseLiteral: dateTime.parseLiteral,
});
let fault: Error | undefined;
const query = schema.getType("Query") as GraphQLObjectType;
const resolvers: Record<string, (source: unknown, args: object) => unknown> = {
  echo(_source, args) {
    if (fault) throw fault;
    return JSON.stringify(args);
  },
  async late(_source, args) {
    if (fault) throw fault;
    return JSON.stringify(args);
  },
  other: (_source, args) => JSON.stringify(args),
  thing: () => ({ unit_price: 7 }),
};
for (const [name, resolve] of Object.entries(resolvers)) {
  Object.assign(query.getFields()[name] ?? {}, { resolve });
}
connectRenamedNames(schema);

beforeEach(() => {
  fault = undefined;
});

/** Returns the arguments that the resolver got. */
async function received(field: string): Promise<unknown> {
  const { data, errors } = await graphql({ schema, source: `{ answer: ${field} }` });
  if (errors?.[0]?.originalError) throw errors[0].originalError;
  expect(errors).toBeUndefined();
  return JSON.parse(String(data?.answer));
}

async function faultsOf(field: string): Promise<FieldViolation[]> {
  const error: unknown = await received(field).catch((reason: unknown) => reason);
  if (!(error instanceof ClientError)) throw new Error(String(error));
  return (error.data as { fields: FieldViolation[] }).fields;
}

describe("a renamed argument or input field", () => {
  test.each([
    ['echo(userId: "a")', { user_id: "a" }],
    ['echo(user_id: "a")', { user_id: "a" }],
    ["echo(userId: null)", { user_id: null }],
    ["echo", {}],
    ["echo(filter: { priceMin: 3 })", { filter: { price_min: 3 } }],
    ["late(filter: { priceMin: 3 })", { filter: { price_min: 3 } }],
    ["echo(filter: { nested: { priceMin: 3 } })", { filter: { nested: { price_min: 3 } } }],
    [
      'echo(filter: { lines: [{ productId: "a" }, { product_id: "b" }] })',
      { filter: { lines: [{ product_id: "a" }, { product_id: "b" }] } },
    ],
  ])("reaches the service by its old name: %s", async (field, expected) => {
    expect(await received(field)).toEqual(expected);
  });

  test.each([
    ['echo(userId: "a", user_id: "a")', { user_id: "a" }],
    [
      'echo(filter: { placedFrom: "2026-01-01T01:00:00+01:00", placed_from: "2026-01-01T00:00:00Z" })',
      { filter: { placed_from: "2026-01-01T00:00:00.000Z" } },
    ],
  ])("can be sent under both names with the same value: %s", async (field, expected) => {
    expect(await received(field)).toEqual(expected);
  });

  test.each([
    ['echo(userId: "a", user_id: "b")', "userId"],
    ['echo(userId: "a", user_id: null)', "userId"],
    ["echo(filter: { priceMin: 1, price_min: 2 })", "priceMin"],
    [
      'echo(filter: { placedFrom: "2026-01-01T00:00:00Z", placed_from: "yesterday" })',
      "placedFrom",
    ],
  ])("with two values is BAD_USER_INPUT: %s", async (field, name) => {
    const [found, ...more] = await faultsOf(field);
    expect(more).toEqual([]);
    expect(found?.field).toBe(name);
    expect(found?.message).toContain(`send only '${name}'`);
  });

  test.each(["echo", "late"])("has in errors of %s the name that the client uses", async (root) => {
    fault = badUserInput([
      { field: "price_min", message: "The 'price_min' field requires 'placed_from'." },
    ]);
    expect(await faultsOf(`${root}(filter: { priceMin: 1 })`)).toEqual([
      { field: "priceMin", message: "The 'priceMin' field requires 'placedFrom'." },
    ]);
    expect(await faultsOf(`${root}(filter: { price_min: 1 })`)).toEqual([
      { field: "price_min", message: "The 'price_min' field requires 'placedFrom'." },
    ]);
  });

  test("does not change other errors", async () => {
    fault = new Error("'price_min'");
    await expect(received("echo(filter: { priceMin: 1 })")).rejects.toBe(fault);
  });
});

test("a renamed field has the value of its old name", async () => {
  const { data } = await graphql({ schema, source: "{ thing { unitPrice unit_price } }" });
  expect(data).toEqual({ thing: { unitPrice: 7, unit_price: 7 } });
});

test("names in snake_case that are not deprecated stay as they are", async () => {
  const expected = { still_current: 1, stillCurrent: 2 };
  expect(await received("other(still_current: 1, stillCurrent: 2)")).toEqual(expected);
});
