import { describe, expect, test } from "@jest/globals";
import {
  getOperationAST,
  isEnumType,
  isObjectType,
  parse,
  type GraphQLEnumType,
  type GraphQLObjectType,
} from "graphql";
import { commonAuditActions } from "../../../core/audit.ts";
import { errorCatalogue } from "../../../core/errors.ts";
import { executePlan } from "../../../services/api/graphql/engine/execute.ts";
import { planOperation } from "../../../services/api/graphql/engine/plan.ts";
import { openEnumTypes } from "../../../services/api/graphql/types/open-enums.ts";
import { uuid } from "../../../services/api/graphql/types/uuid.ts";
import { contracts } from "../../../services/registry.ts";
import { composedSchema } from "../../../tools/reference/composed-schema.ts";

const schema = composedSchema();

function enumNamed(name: string): GraphQLEnumType {
  const type = schema.getType(name);
  if (!isEnumType(type)) throw new Error(`${name} is no enum`);
  return type;
}

const valuesOf = (name: string) =>
  enumNamed(name)
    .getValues()
    .map((value) => value.name);

/** Executes a query whose root field returns `value`, without the services. */
async function dataFor(query: string, value: unknown, field: string): Promise<unknown> {
  const operation = getOperationAST(parse(query));
  if (!operation) throw new Error("there is no operation");
  const root = schema.getQueryType()?.getFields()[field];
  if (root === undefined) throw new Error(`there is no field ${field}`);
  const { resolve } = root;
  root.resolve = () => value;
  try {
    const plan = planOperation(schema, operation, {}, new Map());
    const input = { schema, operation, fragments: {}, plan, variables: {}, context: {} };
    return (await executePlan(input)).result;
  } finally {
    if (resolve) root.resolve = resolve;
    else delete root.resolve;
  }
}

describe("the enums of values that services send", () => {
  test("have the audit actions of all contracts, the codes of all errors, and UNKNOWN", () => {
    const actions = contracts.flatMap(({ auditActions }) => Object.keys(auditActions ?? {}));
    expect(valuesOf("AuditAction")).toEqual([
      ...Object.keys(commonAuditActions),
      ...actions,
      "UNKNOWN",
    ]);
    const codes = errorCatalogue().map(({ code }) => code);
    expect(new Set(valuesOf("AuditOutcome"))).toEqual(new Set(["OK", ...codes, "UNKNOWN"]));
    expect(new Set(valuesOf("ErrorCode"))).toEqual(new Set(codes));
  });

  test("have the values that clients of version 1.0 got as texts", () => {
    const changes = ["ADDED", "SUBTRACTED", "DELETED", "SOLD", "RETURNED", "COUNTED", "UNKNOWN"];
    expect(valuesOf("InventoryChange")).toEqual(changes);
    expect(valuesOf("AuditActorKind")).toEqual(["anonymous", "user", "operator", "UNKNOWN"]);
    expect(valuesOf("AuditAction")).toEqual(
      expect.arrayContaining(["LOGGED_IN", "LOGIN_REFUSED", "STOCK_ADDED", "ACCESS_REFUSED"]),
    );
  });

  test("are declared by each service with an audit trail, without duplicates", () => {
    for (const { name, actions, auditActions } of contracts) {
      expect({ name, hasTrail: "auditTrail" in actions }).toEqual({
        name,
        hasTrail: auditActions !== undefined,
      });
    }
    const [first] = contracts.filter(({ auditActions }) => auditActions !== undefined);
    if (first === undefined) throw new Error("no service has an audit trail");
    expect(() => openEnumTypes([first, { ...first, name: "twin" }])).toThrow("is declared twice");
  });

  test("return UNKNOWN for a value of a newer service, and the other entries of its list", async () => {
    const entry = { action: "LOGGED_IN", outcome: "OK", actorKind: "user" };
    const newer = { action: "TELEPORTED", outcome: "TOO_FAR", actorKind: "robot" };
    const query = "{ usersAudit { action outcome actorKind } }";
    expect(await dataFor(query, [entry, newer], "usersAudit")).toEqual({
      data: {
        usersAudit: [entry, { action: "UNKNOWN", outcome: "UNKNOWN", actorKind: "UNKNOWN" }],
      },
    });
  });

  test("still return an error for what is no text", () => {
    expect(() => enumNamed("InventoryChange").serialize(7)).toThrow("cannot represent");
    expect(() => enumNamed("OrderStatus").serialize("LOST")).toThrow("cannot represent");
  });
});

describe("a UUID", () => {
  const id = "01a22361-48ac-7583-bce1-8b1bcdbf5cc9";

  test("is accepted in upper case and returned in lower case", () => {
    expect(uuid.parseValue(id.toUpperCase())).toBe(id);
    expect(uuid.serialize(id.toUpperCase())).toBe(id);
  });

  test.each(["", "mug", `${id}0`, `{${id}}`, id.replaceAll("-", ""), 7, null])(
    "is not %j",
    (value) => {
      expect(() => uuid.parseValue(value)).toThrow("UUID must be a text of hexadecimal digits");
      expect(() => uuid.serialize(value)).toThrow("This is no UUID");
    },
  );
});

describe("the interfaces", () => {
  test("Node is implemented by the types whose objects a service can load", () => {
    const declared = contracts.flatMap(({ graphql }) => Object.keys(graphql?.nodes ?? {}));
    const node = schema.getType("Node");
    const implementing = Object.values(schema.getTypeMap())
      .filter((type): type is GraphQLObjectType => isObjectType(type))
      .filter((type) => type.getInterfaces().some((one) => one === node));
    expect(new Set(implementing.map(({ name }) => name))).toEqual(new Set(declared));
    expect(declared).toEqual(expect.arrayContaining(["User", "Product", "Order"]));
  });

  test("a fragment on AnyOrder selects the fields of both types of orders", async () => {
    const id = "01a22361-48ac-7583-bce1-8b1bcdbf5cc9";
    const fields = "... on AnyOrder { number createdAt user_id }";
    const order = { id, user_id: "ann" };
    const expected = {
      number: expect.stringMatching(/^\w{4}-\w{4}-\w{4}$/),
      createdAt: "2026-11-28T18:18:27.884Z",
      user_id: "ann",
    };
    expect(await dataFor(`{ order(id: "x") { ${fields} } }`, order, "order")).toEqual({
      data: { order: expected },
    });
    expect(await dataFor(`{ orders(limit: 1) { ${fields} } }`, [order], "orders")).toEqual({
      data: { orders: [expected] },
    });
  });
});
