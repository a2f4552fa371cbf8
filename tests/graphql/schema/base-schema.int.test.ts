import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  isInputObjectType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLSchema,
  type IntrospectionQuery,
} from "graphql";
import { startTestShop, type TestShop } from "../../support/shop.ts";

const original = buildSchema(
  readFileSync(new URL("../../support/graphql/original.graphql", import.meta.url), "utf8"),
);

/**
 * Returns the types of all fields, arguments and input fields of a schema, such as
 * `Product.price -> Int!`, `Query.user(id) -> ID!` and `input NewUser.email -> String!`.
 */
function membersOf(schema: GraphQLSchema): Map<string, string> {
  const members = new Map<string, string>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__")) continue;
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        members.set(`input ${type.name}.${field.name}`, String(field.type));
      }
    }
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      members.set(`${type.name}.${field.name}`, String(field.type));
      for (const arg of field.args) {
        members.set(`${type.name}.${field.name}(${arg.name})`, String(arg.type));
      }
    }
  }
  return members;
}

/** Returns the required arguments and input fields of a schema. */
function requiredOf(schema: GraphQLSchema): { owner: string; member: string }[] {
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    if (isInputObjectType(type)) {
      const required = Object.values(type.getFields()).filter(isRequiredInputField);
      return required.map(({ name }) => ({ owner: type.name, member: `${type.name}.${name}` }));
    }
    if (!isObjectType(type) || type.name.startsWith("__")) return [];
    return Object.values(type.getFields()).flatMap((field) => {
      const owner = `${type.name}.${field.name}`;
      const required = field.args.filter(isRequiredArgument);
      return required.map(({ name }) => ({ owner, member: `${owner}(${name})` }));
    });
  });
}

describe.each([
  {
    source: "GET /schema.graphql",
    read: async ({ url }: TestShop) => {
      const response = await fetch(`${url}/schema.graphql`);
      expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
      return buildSchema(await response.text());
    },
  },
  {
    source: "introspection",
    read: async (shop: TestShop) => {
      const { data } = await shop.graphql<IntrospectionQuery>(getIntrospectionQuery());
      if (!data) throw new Error("the response of introspection has no data");
      return buildClientSchema(data);
    },
  },
])("the schema from $source", ({ read }) => {
  let shop: TestShop;
  let schema: GraphQLSchema;
  beforeAll(async () => {
    shop = await startTestShop();
    schema = await read(shop);
  });
  afterAll(() => shop.stop());

  test.each([...membersOf(original)])("contains the original's %s of type %s", (member, type) => {
    expect(membersOf(schema).get(member)).toBe(type);
  });

  test("requires exactly the arguments and input fields that the original requires", () => {
    const owners = [...Object.keys(original.getTypeMap()), ...membersOf(original).keys()];
    const required = requiredOf(schema).filter(({ owner }) => owners.includes(owner));
    const originallyRequired = requiredOf(original).map(({ member }) => member);
    expect(new Set(required.map(({ member }) => member))).toEqual(new Set(originallyRequired));
  });
});
