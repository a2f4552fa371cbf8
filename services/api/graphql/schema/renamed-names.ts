import { isDeepStrictEqual } from "node:util";
import {
  coerceInputValue,
  getNamedType,
  isInputObjectType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
} from "graphql";
import {
  badUserInput,
  commonErrors,
  hasCode,
  type FieldViolation,
} from "../../../../core/errors.ts";
import { preferProperty, propertyOf } from "../engine/property-fields.ts";

/*
 * The first versions of the schema have fields, arguments and input fields in snake_case. A
 * deprecated one with a sibling of the same name in camelCase is its old name. Services know only
 * the old names.
 */

type Member = GraphQLArgument | GraphQLInputField;
type Values = Record<string, unknown>;
type Call = (source: unknown, args: Values, ...rest: unknown[]) => unknown;

/** An element with an old and a new name. */
interface Renamed<Element> {
  old: Element;
  current: Element;
}

/** Makes the new names of a schema work like the old ones. */
export function connectRenamedNames(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    const fields = Object.values(type.getFields());
    for (const { old, current } of renamedAmong(fields)) {
      if (current.resolve !== undefined) continue;
      current.resolve = old.resolve ?? ((source) => (source as Values)[old.name]);
      const property = propertyOf(old);
      if (property !== undefined) preferProperty(current, property);
    }
    for (const field of fields) {
      if (hasRenamed(field.args)) translate(field);
    }
  }
}

function renamedAmong<
  Element extends { name: string; deprecationReason?: string | null | undefined },
>(elements: readonly Element[]): Renamed<Element>[] {
  return elements.flatMap((old) => {
    const isDeprecated = typeof old.deprecationReason === "string";
    if (!isDeprecated || !old.name.includes("_")) return [];
    const name = old.name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    const current = elements.find((element) => element.name === name);
    return current === undefined ? [] : [{ old, current }];
  });
}

/** Returns true if arguments, or the fields of their input objects, have old names. */
function hasRenamed(members: readonly Member[], visited = new Set<unknown>()): boolean {
  if (renamedAmong(members).length > 0) return true;
  return members.some(({ type }) => {
    const fields = fieldsOf(type);
    if (fields.length === 0 || visited.has(getNamedType(type))) return false;
    visited.add(getNamedType(type));
    return hasRenamed(fields, visited);
  });
}

function fieldsOf(type: GraphQLInputType): GraphQLInputField[] {
  const named = getNamedType(type);
  return isInputObjectType(named) ? Object.values(named.getFields()) : [];
}

/** Makes the resolvers of a field get its arguments by their old names. */
function translate(field: GraphQLField<unknown, unknown>): void {
  if (field.resolve) field.resolve = translated(field.resolve as Call, field.args);
  if (field.subscribe) field.subscribe = translated(field.subscribe as Call, field.args);
}

function translated(call: Call, members: readonly Member[]): Call {
  return (source, args, ...rest) => {
    const translation: Translation = { violations: [], newNames: new Map() };
    const values = withOldNames(args, members, translation);
    if (translation.violations.length > 0) throw badUserInput(translation.violations);
    const { newNames } = translation;
    try {
      const result = call(source, values, ...rest);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw withNewNames(error, newNames);
      });
    } catch (error) {
      throw withNewNames(error, newNames);
    }
  };
}

interface Translation {
  /** Elements that were sent under both names with different values. */
  violations: FieldViolation[];
  /** The new names by the old names that the client did not send. */
  newNames: Map<string, string>;
}

/** Returns values with the old names of their elements. */
function withOldNames(
  values: Values,
  members: readonly Member[],
  translation: Translation,
): Values {
  const translated = { ...values };
  for (const { old, current } of renamedAmong(members)) {
    if (!Object.hasOwn(values, old.name)) translation.newNames.set(old.name, current.name);
    if (!Object.hasOwn(values, current.name)) continue;
    const value = values[current.name];
    if (Object.hasOwn(values, old.name) && !isSame(values[old.name], value, current.type)) {
      const message = `'${current.name}' and '${old.name}' are two names of one value; send only '${current.name}'.`;
      translation.violations.push({ field: current.name, message });
    }
    Reflect.deleteProperty(translated, current.name);
    translated[old.name] = value;
  }
  for (const { name, type } of members) {
    const fields = fieldsOf(type);
    const value = translated[name];
    if (fields.length === 0 || !Object.hasOwn(translated, name)) continue;
    const inner = (one: unknown): unknown =>
      typeof one === "object" && one !== null
        ? withOldNames(one as Values, fields, translation)
        : one;
    translated[name] = Array.isArray(value) ? value.map(inner) : inner(value);
  }
  return translated;
}

/** Compares a value of the old name with one of the new name, whose type may be another scalar. */
function isSame(old: unknown, current: unknown, type: GraphQLInputType): boolean {
  const violations: unknown[] = [];
  const coerced: unknown = coerceInputValue(old, type, (...violation) =>
    violations.push(violation),
  );
  return violations.length === 0 && isDeepStrictEqual(coerced, current);
}

/** Returns the error of a service with the names that the client has to use. */
function withNewNames(error: unknown, newNames: ReadonlyMap<string, string>): unknown {
  if (!hasCode(error, commonErrors.BAD_USER_INPUT)) return error;
  const { fields } = (error as { data?: { fields?: FieldViolation[] } }).data ?? {};
  if (fields === undefined) return error;
  const renamed = (field: string) => newNames.get(field) ?? field;
  return badUserInput(
    fields.map(({ field, message }) => ({
      field: renamed(field),
      message: message.replace(/'(\w+)'/g, (_quoted, name: string) => `'${renamed(name)}'`),
    })),
  );
}
