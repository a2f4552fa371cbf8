import graphqlEslint from "@graphql-eslint/eslint-plugin";
import { parse, visit } from "graphql";

/*
 * The recommended rules of graphql-eslint for a schema, and its Relay rules, for schema.graphql. All
 * exceptions are in this file. An exception that is not needed is an error.
 */

const seed = "a name of the original schema, whose documents run unchanged";

/** Elements that a rule rejects, with the reasons. */
const exceptions = {
  "naming-convention": {
    "OrderProduct.product_id": seed,
    "PlaceOrderProduct.product_id": seed,
    "PlaceOrder.order_products": seed,
    "Order.user_id": seed,
    "Order.price_total": seed,
    "Order.order_products": seed,
    "AllOrdersOrder.user_id": seed,
    "AllOrdersOrder.price_total": seed,
    "AllOrdersOrder.order_products": "the original name in Order, so that one fragment serves both",
    "AnyOrder.user_id": "the common name in Order and AllOrdersOrder",
    "AnyOrder.price_total": "the common name in Order and AllOrdersOrder",
    "AnyOrder.order_products": "the common name in Order and AllOrdersOrder",
    "AuditActorKind.anonymous": "a value of version 1.0, where the field was a String",
    "AuditActorKind.user": "a value of version 1.0, where the field was a String",
    "AuditActorKind.operator": "a value of version 1.0, where the field was a String",
  },
  "no-typename-prefix": {
    "User.username": seed,
    "Token.token": seed,
    "Order.order_products": seed,
    "Success.success": "the original name in UpdateInventoryResponse",
  },
  "relay-edge-types": {
    DeadLetterEdge: "clients read dead letters by their consumer, and not by their ids",
    HeldReservationEdge: "a reservation has the id of its order, which is the object with this id",
    WebhookDeliveryEdge: "clients read deliveries by their webhook and state, and not by their ids",
  },
};

const plugin = "@graphql-eslint";

/** Returns the name of the element that each line of a schema declares, and whether it is deprecated. */
function elementsByLine(text) {
  const elements = new Map();
  const path = [];
  const isElement = ({ kind, name }) => kind.endsWith("Definition") && name !== undefined;
  visit(parse(text), {
    enter(node) {
      if (!isElement(node)) return;
      path.push(node.name.value);
      const isDeprecated = (node.directives ?? []).some(({ name }) => name.value === "deprecated");
      elements.set(node.name.loc.startToken.line, { name: path.join("."), isDeprecated });
    },
    leave(node) {
      if (isElement(node)) path.pop();
    },
  });
  return elements;
}

let schemaText = "";

/** Removes the errors of the exceptions. The old name of a renamed element stays as it is. */
const processor = {
  meta: { name: "schema-exceptions" },
  preprocess(text) {
    schemaText = text;
    return [text];
  },
  postprocess([messages]) {
    const elements = elementsByLine(schemaText);
    const unused = new Map(
      Object.entries(exceptions).flatMap(([rule, names]) =>
        Object.keys(names).map((name) => [`${rule} ${name}`, { rule, name }]),
      ),
    );
    const faults = messages.filter(({ ruleId, line }) => {
      const rule = (ruleId ?? "").replace(`${plugin}/`, "");
      const { name, isDeprecated } = elements.get(line) ?? {};
      if (rule === "naming-convention" && isDeprecated) return false;
      return !unused.delete(`${rule} ${name}`) && !(name in (exceptions[rule] ?? {}));
    });
    const superfluous = [...unused.values()].map(({ rule, name }) => ({
      ruleId: `${plugin}/${rule}`,
      severity: 2,
      line: 1,
      column: 1,
      message: `The exception for ${name} is not needed: remove it from tools/lint/schema-rules.js.`,
    }));
    return [...faults, ...superfluous];
  },
};

/** The ESLint configuration of schema.graphql. */
export const schemaRules = {
  files: ["schema.graphql"],
  languageOptions: {
    parser: graphqlEslint.parser,
    parserOptions: { graphQLConfig: { schema: "schema.graphql" } },
  },
  plugins: { [plugin]: graphqlEslint },
  processor,
  rules: {
    ...graphqlEslint.configs["flat/schema-recommended"].rules,
    ...graphqlEslint.configs["flat/schema-relay"].rules,
    // Half of the types are values, which are not objects that a client could read again.
    [`${plugin}/strict-id-in-types`]: "off",
    // Lists of values, the lists of the original schema and `nodes` contain no edges.
    [`${plugin}/relay-edge-types`]: [
      "error",
      { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
    ],
  },
};
