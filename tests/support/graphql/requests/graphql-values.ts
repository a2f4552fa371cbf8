import fc from "fast-check";
import {
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  isScalarType,
  type GraphQLInputType,
  type GraphQLScalarType,
} from "graphql";

/** A JSON value. */
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };

/**
 * Realistic values by the name of an argument or input field. A qualified name (`product.id`,
 * `NewUser.type`) takes precedence over the name alone.
 */
export type Plausible = Record<string, fc.Arbitrary<Value>>;

/** Generates valid values of an input type, including edge cases. */
export type ValuesOf = (type: GraphQLInputType, name: string) => fc.Arbitrary<Value>;

const maxInt = 2_147_483_647;
export const unknownIds = [
  "01900000-0000-7000-8000-000000000000",
  "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
];

const oddTexts = [
  "",
  " ",
  "\n",
  "\t",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udfff\ud800",
  "a\ud800",
  "\uffff",
  "\u202eabc",
  "e\u0301",
  "👩‍👩‍👧‍👦",
  "ﷺ",
  "ß",
  "İ",
  "\u2028",
  "\ufeff",
  '"',
  "\\",
  "\\u0000",
  '"""',
  "#",
  "$",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "NaN",
  "1e999",
  "%00",
  "%s%n",
  "${7*7}",
  "' OR 1=1; --",
  "<script>alert(1)</script>",
  "../../../etc/passwd",
  "$1",
  "{}",
  "[]",
];
const hugeTexts = [
  "x".repeat(100_000),
  "é".repeat(20_000),
  "\\".repeat(20_000),
  "a@".repeat(5_000),
];

/** Includes lone surrogates, which `fc.string` does not generate. */
const anyCodeUnits = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) });

export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 30, arbitrary: fc.string() },
  { weight: 20, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 10, arbitrary: fc.string({ unit: "binary" }) },
  { weight: 10, arbitrary: anyCodeUnits },
  { weight: 1, arbitrary: fc.constantFrom(...hugeTexts) },
);

const anyInt: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 2, arbitrary: fc.constantFrom(-1, 1000, 1001, maxInt, maxInt - 1, -maxInt - 1) },
  { weight: 1, arbitrary: fc.integer() },
);

const scalars: Plausible = {
  ID: fc.oneof(fc.constantFrom(...unknownIds), anyText, fc.integer()),
  String: anyText,
  Int: anyInt,
  Float: fc.double({ noNaN: true, noDefaultInfinity: true }),
  Boolean: fc.boolean(),
  UUID: fc.oneof(fc.constantFrom(...unknownIds), anyText),
  DateTime: fc.oneof(fc.constantFrom("2026-01-31T12:00:00Z", "2026-02-30T00:00:00+01:00"), anyText),
};

/** Returns a generator of values of input types, mostly plausible ones. */
export function valuesFor(plausible: Plausible): ValuesOf {
  function ofScalar(type: GraphQLScalarType, name: string): fc.Arbitrary<Value> {
    const any = scalars[type.name];
    if (any === undefined) throw new Error(`no values for the scalar ${type.name}`);
    const usual = plausible[name] ?? plausible[name.slice(name.indexOf(".") + 1)];
    return usual === undefined ? any : fc.oneof({ weight: 6, arbitrary: usual }, any);
  }

  function valuesOf(type: GraphQLInputType, name: string): fc.Arbitrary<Value> {
    if (!isNonNullType(type)) {
      return fc.option(required(type, name), { nil: null, freq: 12 });
    }
    return required(getNullableType(type), name);
  }

  function required(type: GraphQLInputType, name: string): fc.Arbitrary<Value> {
    if (isListType(type)) return fc.array(valuesOf(type.ofType, name), { maxLength: 4 });
    if (isEnumType(type)) return fc.constantFrom(...type.getValues().map((value) => value.name));
    if (isScalarType(type)) return ofScalar(type, name);
    if (!isInputObjectType(type)) throw new Error(`no values for the type ${String(type)}`);
    const fields = Object.values(type.getFields());
    return fc.record(
      Object.fromEntries(
        fields.map((field) => [field.name, valuesOf(field.type, `${type.name}.${field.name}`)]),
      ),
      { requiredKeys: fields.filter(isRequiredInputField).map((field) => field.name) },
    );
  }

  return valuesOf;
}

/** Writes a value as a GraphQL literal. The type distinguishes enums from texts. */
export function literal(value: Value, type: GraphQLInputType): string {
  const nullable = getNullableType(type);
  if (value === null) return "null";
  if (isListType(nullable) && Array.isArray(value)) {
    return `[${value.map((item) => literal(item, nullable.ofType)).join(", ")}]`;
  }
  if (isInputObjectType(nullable) && typeof value === "object" && !Array.isArray(value)) {
    const fields = nullable.getFields();
    const written = Object.entries(value).map(([name, part]) => {
      const field = fields[name];
      return `${name}: ${field === undefined ? JSON.stringify(part) : literal(part, field.type)}`;
    });
    return `{${written.join(", ")}}`;
  }
  return isEnumType(nullable) && typeof value === "string" ? value : JSON.stringify(value);
}
