import { isObjectType, type GraphQLObjectType } from "graphql";
import {
  maxAnswerCharacters,
  AnswerTooLarge,
  nullOf,
  nameOf,
  type Run,
} from "./execution-state.ts";
import type { PlannedField, Shape } from "./plan.ts";

export function completeLeaf(
  run: Run,
  field: PlannedField,
  shape: Shape & { kind: "leaf" },
  value: unknown,
): unknown {
  if (value === null || value === undefined) return nullOf(field, shape);
  const serialized: unknown = shape.type.serialize(value);
  if (serialized === undefined || serialized === null) {
    throw new Error(`${nameOf(field)} has a value that is not a ${shape.type.name}`);
  }
  if (typeof serialized === "string") {
    run.characters += serialized.length;
    if (run.characters > maxAnswerCharacters) {
      throw new AnswerTooLarge(maxAnswerCharacters, "characters");
    }
  }
  return serialized;
}

export function runtimeType(
  { schema }: Run,
  field: PlannedField,
  { type }: Shape & { kind: "abstract" },
  resolved: unknown,
): GraphQLObjectType {
  const runtime = typeof resolved === "string" ? schema.getType(resolved) : resolved;
  if (isObjectType(runtime) && schema.isSubType(type, runtime)) return runtime;
  throw new Error(`${nameOf(field)} has a value that is not of a type of ${type.name}`);
}
