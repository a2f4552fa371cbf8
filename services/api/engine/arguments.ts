import {
  GraphQLError,
  coerceInputValue,
  isInputType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
  type FieldNode,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type VariableDefinitionNode,
} from "graphql";
import { getArgumentValues } from "graphql/execution/values.js";
import {
  DocumentRefused,
  codedError,
  invalidInput,
  maxErrors,
  shortened,
} from "../graphql-errors.ts";

/** The coerced variables of a request. It has no prototype: every name is an own key or absent. */
export type Variables = Readonly<Record<string, unknown>>;

/**
 * Coerces the variables that an operation declares, by "6.1.2 Coercing Variable Values" of the
 * GraphQL specification. Throws DocumentRefused with BAD_USER_INPUT, with at most 20 errors.
 *
 * @param given what the client has sent
 */
export function coerceVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  given: Readonly<Record<string, unknown>>,
): Variables {
  const values = Object.create(null) as Record<string, unknown>;
  const errors: GraphQLError[] = [];
  for (const definition of variableDefinitions) {
    const name = definition.variable.name.value;
    const type = inputTypeOf(schema, definition);
    const report = reporterFor(definition, errors);
    if (Object.hasOwn(given, name)) {
      const value = given[name];
      if (value === null && isNonNullType(type)) {
        report(`Variable "$${name}" of non-null type "${String(type)}" must not be null.`);
      } else {
        values[name] = coerceInputValue(value, type, (path, invalid, { message }) => {
          const place = `${name}${pathText(path)}`;
          const at = path.length > 0 ? ` at "${place}"` : "";
          report(`Variable "$${name}" got invalid value ${shown(invalid)}${at}; ${message}`, place);
        });
      }
    } else if (definition.defaultValue) {
      values[name] = valueFromAST(definition.defaultValue, type);
    } else if (isNonNullType(type)) {
      report(`Variable "$${name}" of required type "${String(type)}" was not provided.`);
    }
  }
  if (errors.length > 0) throw new DocumentRefused(errors);
  return values;
}

/**
 * The values of the variables in conditions, by name. Throws DocumentRefused with BAD_USER_INPUT
 * for null, which is no condition: a variable with a default may be null where `Boolean!` stands.
 */
export function conditionValues(
  names: readonly string[],
  variables: Variables,
): Map<string, boolean> {
  const conditions = new Map<string, boolean>();
  for (const name of names) {
    const value = variables[name];
    if (typeof value !== "boolean") {
      const message = `Variable "$${name}" must not be null: it is the condition of @skip or @include.`;
      throw new DocumentRefused([invalidInput(message, name)]);
    }
    conditions.set(name, value);
  }
  return conditions;
}

/** The arguments of a field in one execution. Throws BAD_USER_INPUT for null where it may not be. */
export function argumentsOf(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Variables,
): Record<string, unknown> {
  try {
    return getArgumentValues(definition, node, variables);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const [, field = ""] = /^Argument "(\w+)"/.exec(error.message) ?? [];
    throw invalidInput(error.message, field, error.nodes);
  }
}

/** A field's arguments, if they are the same in each execution; resolvers may change objects. */
export function fixedArgumentsOf(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
): Readonly<Record<string, unknown>> | undefined {
  const { arguments: args = [] } = node;
  if (args.some(({ value }) => !literalKinds.has(value.kind))) return undefined;
  const values = argumentsOf(definition, node, {});
  const hasObjects = Object.values(values).some((value) => Object(value) === value);
  return hasObjects ? undefined : values;
}

const literalKinds = new Set<string>([
  "IntValue",
  "FloatValue",
  "StringValue",
  "BooleanValue",
  "NullValue",
  "EnumValue",
]);

function inputTypeOf(schema: GraphQLSchema, { type }: VariableDefinitionNode): GraphQLInputType {
  // The type of a variable of a valid document is an input type; graphql's own types say less.
  const named = typeFromAST(schema, type as never) as unknown;
  if (!isInputType(named)) throw new Error("a variable has no input type");
  return named;
}

/** Adds errors to a list, until it is full: more of them help nobody and take time and memory. */
function reporterFor(definition: VariableDefinitionNode, errors: GraphQLError[]) {
  return (message: string, field = definition.variable.name.value) => {
    if (errors.length >= maxErrors) {
      errors.push(codedError("There are more errors; these are the first.", "BAD_USER_INPUT"));
      throw new DocumentRefused(errors);
    }
    errors.push(invalidInput(message, field, [definition]));
  };
}

function pathText(path: readonly (string | number)[]): string {
  return path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
}

/** A value as an error shows it. Lists and objects may be as large as a request. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "[…]";
  if (typeof value === "object" && value !== null) return "{…}";
  return typeof value === "string" ? JSON.stringify(shortened(value)) : String(value);
}
