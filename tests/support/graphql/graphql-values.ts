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

/** A value as JSON has it, and as a variable carries it. */
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };

/**
 * What a field would really take, by the name of an argument or an input's field; a name with its
 * owner (`product.id`, `NewUser.type`) goes before the name alone.
 */
export type Plausible = Record<string, fc.Arbitrary<Value>>;

/** Makes values that fit an input type, the odd ones included. */
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

/** Half surrogates included, which `fc.string` leaves out. */
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
};

/** Makes values for input types: mostly such as are plausible. */
export function valuesFor(plausible: Plausible): ValuesOf {
  function ofScalar(type: GraphQLScalarType, name: string): fc.Arbitrary<Value> {
    const any = scalars[type.name];
    if (any === undefined) throw new Error(`there are no values of the scalar ${type.name}`);
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
    if (!isInputObjectType(type)) throw new Error(`there are no values of ${String(type)}`);
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

/** A value as it stands in a document. Enums and names are told from texts by their type. */
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
