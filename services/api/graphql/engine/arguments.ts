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

/** The coerced variables of a request. It has no prototype: every name is an own key or absent. */
export type Variables = Readonly<Record<string, unknown>>;

/** A variable of an operation, with its type. */
export interface DeclaredVariable {
  name: string;
  type: GraphQLInputType;
  definition: VariableDefinitionNode;
}

/** The variables that an operation of a valid document declares. */
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
 * GraphQL specification. Throws DocumentRefused with BAD_USER_INPUT, with at most 20 errors.
 *
 * @param given what the client has sent
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
          report(`Variable "$${name}" got invalid value ${shown(invalid)}${at}; ${message}`, place);
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
 * The values of the variables in conditions, by name. Throws DocumentRefused with BAD_USER_INPUT
 * for null, which is no condition: a variable with a default may be null where `Boolean!` stands.
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

/** The arguments of a field in one execution. Throws BAD_USER_INPUT for null where it may not be. */
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

/** Gives the arguments of a field in one execution, as an object of its own: see `argumentsOf`. */
export type ArgumentsReader = (variables: Variables) => Record<string, unknown>;

/** What can be done once for all executions of a field is done here. */
export function argumentsReader(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
): ArgumentsReader {
  const { arguments: args = [] } = node;
  if (args.every(({ value }) => literalKinds.has(value.kind))) {
    const values = argumentsOf(definition, node, {});
    // Resolvers may change objects.
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
      // Null and what is absent have rules of their own.
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
  // The type of a variable of a valid document is an input type; graphql's own types say less.
  const named = typeFromAST(schema, type as never) as unknown;
  if (!isInputType(named)) throw new Error("a variable has no input type");
  return named;
}

/** Adds to a list until it is full: more errors help nobody and take time and memory. */
function addError(errors: GraphQLError[], error: GraphQLError): void {
  if (errors.length >= maxErrors) {
    errors.push(
      codedError("There are more errors; these are the first.", commonErrors.BAD_USER_INPUT),
    );
    throw new DocumentError(errors);
  }
  errors.push(error);
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
