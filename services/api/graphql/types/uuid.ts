import { GraphQLError, GraphQLScalarType, Kind, print, type ValueNode } from "graphql";
import { isId } from "../../../../core/validation.ts";

/** The declaration of the scalar for the composed schema. Its description is in `uuid`. */
export const uuidType = "scalar UUID";

const expectation =
  'UUID must be a text of hexadecimal digits like "01a22361-48ac-7583-bce1-8b1bcdbf5cc9"';

/** @param nodes the literal, whose place the error names */
function parsed(value: unknown, nodes: readonly ValueNode[] = []): string {
  if (!isId(value)) throw new GraphQLError(`${expectation}.`, { nodes });
  return value.toLowerCase();
}

/** An id outside the fields that the first version of the schema declares as `ID`. */
export const uuid = new GraphQLScalarType<string>({
  name: "UUID",
  description: `
A UUID by RFC 9562 in its text form, for example "01a22361-48ac-7583-bce1-8b1bcdbf5cc9". Responses
are in lower case, inputs can be in upper case. The same text is valid as \`ID\`.`.trim(),
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc9562",
  serialize(value) {
    // A fault of a service: the gateway logs it, and clients get INTERNAL_SERVER_ERROR.
    if (!isId(value)) throw new Error(`This is no UUID: ${String(value)}.`);
    return value.toLowerCase();
  },
  parseValue: (value) => parsed(value),
  parseLiteral(node) {
    if (node.kind === Kind.STRING) return parsed(node.value, [node]);
    throw new GraphQLError(`${expectation}. Found ${print(node)}.`, { nodes: [node] });
  },
});
