import { commonErrors } from "../../../../core/errors.ts";
import {
  Kind,
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
  DocumentError,
  codedError,
  invalidInput,
  maxErrors,
  shortened,
} from "../graphql-errors.ts";

/** The coerced variables of a request, as an object without a prototype. */
export type Variables = Readonly<Record<string, unknown>>;

/** A variable of an operation, with its type. */
export interface DeclaredVariable {
  name: string;
  type: GraphQLInputType;
  definition: VariableDefinitionNode;
}

/** Returns the variables that an operation of a valid document declares. */
export function declaredVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): DeclaredVariable[] {
  return variableDefinitions.map((definition) => ({
    name: definition.variable.name.value,
    type: inputTypeOf(schema, definition),
    definition,
  }));
}

/**
 * Coerces the variables that an operation declares, by "6.1.2 Coercing Variable Values" of the
 * GraphQL specification. Throws a DocumentError with at most 20 BAD_USER_INPUT errors.
 *
 * @param given the variables of the request
 */
export function coerceVariables(
  declared: readonly DeclaredVariable[],
  given: Readonly<Record<string, unknown>>,
): Variables {
  const values = Object.create(null) as Record<string, unknown>;
  const errors: GraphQLError[] = [];
  for (const { name, type, definition } of declared) {
    const report = (message: string, field = name) => {
      addError(errors, invalidInput(message, field, [definition]));
    };
    if (Object.hasOwn(given, name)) {
      const value = given[name];
      if (value === null && isNonNullType(type)) {
        report(`Variable "$${name}" of non-null type "${String(type)}" must not be null.`);
      } else {
        values[name] = coerceInputValue(value, type, (path, invalid, { message }) => {
          const place = `${name}${pathText(path)}`;
          const at = path.length > 0 ? ` at "${place}"` : "";
          report(`Variable "$${name}" got invalid value ${text(invalid)}${at}; ${message}`, place);
        });
      }
    } else if (definition.defaultValue) {
      values[name] = valueFromAST(definition.defaultValue, type);
    } else if (isNonNullType(type)) {
      report(`Variable "$${name}" of required type "${String(type)}" was not provided.`);
    }
  }
  if (errors.length > 0) throw new DocumentError(errors);
  return values;
}

const noConditions: ReadonlyMap<string, boolean> = new Map();

/**
 * Returns the values of the variables in conditions, by name. Throws a DocumentError with
 * BAD_USER_INPUT for null, which a variable with a default may be where `Boolean!` is expected.
 */
export function conditionValues(
  names: readonly string[],
  variables: Variables,
): ReadonlyMap<string, boolean> {
  if (names.length === 0) return noConditions;
  const conditions = new Map<string, boolean>();
  for (const name of names) {
    const value = variables[name];
    if (typeof value !== "boolean") {
      const message = `Variable "$${name}" must not be null: it is the condition of @skip or @include.`;
      throw new DocumentError([invalidInput(message, name)]);
    }
    conditions.set(name, value);
  }
  return conditions;
}

/** Returns the arguments of a field in one execution. Throws BAD_USER_INPUT for an illegal null. */
function argumentsOf(
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

/** Returns the arguments of a field in one execution, as a new object: see `argumentsOf`. */
export type ArgumentsReader = (variables: Variables) => Record<string, unknown>;

/** Makes the reader of a field's arguments. Literals are coerced once for all executions. */
export function argumentsReader(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
): ArgumentsReader {
  const { arguments: args = [] } = node;
  if (args.every(({ value }) => literalKinds.has(value.kind))) {
    const values = argumentsOf(definition, node, {});
    // A resolver may change an object, which the executions must not share.
    const hasObjects = Object.values(values).some((value) => Object(value) === value);
    if (!hasObjects) return () => ({ ...values });
  }
  const variableOf = new Map<string, string>();
  for (const { name, value } of args) {
    if (value.kind === Kind.VARIABLE) variableOf.set(name.value, value.name.value);
  }
  const isPlain = definition.args.every(
    ({ name, type, defaultValue }) =>
      variableOf.has(name) || (defaultValue === undefined && !isNonNullType(type)),
  );
  if (!isPlain || variableOf.size < args.length) {
    return (variables) => argumentsOf(definition, node, variables);
  }
  const variablesOfArguments = [...variableOf];
  return (variables) => {
    const values: Record<string, unknown> = {};
    for (const [name, variable] of variablesOfArguments) {
      const value = variables[variable];
      // Null and absent variables have their own coercion rules.
      if (value === undefined || value === null) return argumentsOf(definition, node, variables);
      values[name] = value;
    }
    return values;
  };
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
  // In a valid document it is an input type. The declared type of `typeFromAST` is wider.
  const named = typeFromAST(schema, type as never) as unknown;
  if (!isInputType(named)) throw new Error("A variable has no input type.");
  return named;
}

/** Adds an error to the list. Throws the errors as a DocumentError when the list is full. */
function addError(errors: GraphQLError[], error: GraphQLError): void {
  if (errors.length >= maxErrors) {
    errors.push(codedError("Further errors are not listed.", commonErrors.BAD_USER_INPUT));
    throw new DocumentError(errors);
  }
  errors.push(error);
}

function pathText(path: readonly (string | number)[]): string {
  return path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
}

/** Formats a value for an error message. Lists and objects may be as large as the request. */
function text(value: unknown): string {
  if (Array.isArray(value)) return "[…]";
  if (typeof value === "object" && value !== null) return "{…}";
  return typeof value === "string" ? JSON.stringify(shortened(value)) : String(value);
}
