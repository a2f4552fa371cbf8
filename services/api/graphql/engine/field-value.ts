import { isObjectType, type GraphQLObjectType } from "graphql";
import { countBytes, infoOf, nameOf, nullOf, type Path, type Run } from "./execution-state.ts";
import type { PlannedField, Shape } from "./plan.ts";

/** Returns the property of the parent object that has a field's value, or the result of its resolver. */
export function resolve(run: Run, field: PlannedField, source: unknown, path: Path): unknown {
  const { definition, property, readArguments } = field;
  const value =
    property === undefined || typeof source !== "object" || source === null
      ? undefined
      : (source as Record<string, unknown>)[property];
  if (definition.resolve === undefined ? typeof value !== "function" : value !== undefined) {
    return value;
  }
  const args = readArguments(run.variables);
  const info = infoOf(run, field, path);
  if (definition.resolve !== undefined) return definition.resolve(source, args, run.context, info);
  const owner = source as Record<string, (...args: unknown[]) => unknown>;
  return owner[definition.name]?.(args, run.context, info);
}

/** Stands for a value that is not a property, or that only the complete path can complete. */
export const notPlain = Symbol("not plain");

/** Returns the property that has a leaf's value, or `notPlain`. */
export function plainProperty(
  { definition, property }: PlannedField,
  source: Readonly<Record<string, unknown>>,
): unknown {
  if (property === undefined) return notPlain;
  const value = source[property];
  if (value === undefined && definition.resolve !== undefined) return notPlain;
  const isPlain = value === null || (typeof value !== "object" && typeof value !== "function");
  return isPlain ? value : notPlain;
}

/** Returns the value of a leaf in the response. Throws if its bytes exceed a limit. */
export function completeLeaf(
  run: Run,
  field: PlannedField,
  shape: Shape & { kind: "leaf" },
  value: unknown,
): unknown {
  if (value === null || value === undefined) return nullOf(field, shape);
  const serialized: unknown = shape.type.serialize(value);
  if (serialized === undefined || serialized === null) {
    throw new Error(`${nameOf(field)} has a value that is not a ${shape.type.name}.`);
  }
  if (typeof serialized === "string") countBytes(run, serialized);
  return serialized;
}

/** Returns the object type of a value of an abstract type, as `resolveType` has named it. */
export function runtimeType(
  { schema }: Run,
  field: PlannedField,
  { type }: Shape & { kind: "abstract" },
  resolved: unknown,
): GraphQLObjectType {
  const runtime = typeof resolved === "string" ? schema.getType(resolved) : resolved;
  if (isObjectType(runtime) && schema.isSubType(type, runtime)) return runtime;
  throw new Error(`${nameOf(field)} has a value that is not of a type of ${type.name}.`);
}
