import { describe, expect, test } from "@jest/globals";
import { coerceInputValue, isScalarType, parseValue, valueFromAST } from "graphql";
import { composedSchema } from "../../../tools/reference/composed-schema.ts";

const dateTime = composedSchema().getType("DateTime");
if (!isScalarType(dateTime)) throw new Error("the schema has no scalar DateTime");

const valid = [
  ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"],
  ["2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500Z"],
  ["2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123Z"],
  ["2026-01-31T12:00:00.99999999999999999999Z", "2026-01-31T12:00:00.999Z"],
  ["2026-01-31t12:00:00z", "2026-01-31T12:00:00.000Z"],
  ["2026-01-31T23:30:00-01:30", "2026-02-01T01:00:00.000Z"],
  ["2024-02-29T00:00:00+00:00", "2024-02-29T00:00:00.000Z"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
  ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ["1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000Z"],
  ["1990-12-31T15:59:60.5-08:00", "1991-01-01T00:00:00.500Z"],
  ["2015-07-01T01:59:60+02:00", "2015-07-01T00:00:00.000Z"],
] as const;

const invalidTexts = [
  "",
  "2026-01-31",
  "2026-01-31T12:00Z",
  "2026-01-31T12:00:00",
  "2026-01-31T12:00:00.Z",
  "2026-01-31 12:00:00Z",
  "2026-02-30T12:00:00Z",
  "2026-13-01T12:00:00Z",
  "2026-01-31T24:00:00Z",
  "2026-01-31T23:59:60Z",
  "2026-12-31T22:59:60Z",
  "2026-12-31T23:59:60+01:00",
  "2026-12-31T23:59:61Z",
  "9999-12-31T23:59:60Z",
  "2026-01-31T12:00:00+0100",
  "0000-01-01T00:00:00Z",
  "0001-01-01T00:00:00+00:01",
  "9999-12-31T23:59:59-00:01",
  "+002026-01-31T12:00:00Z",
  "tomorrow",
];

describe("the scalar DateTime", () => {
  test.each(valid)("converts %s to UTC in variables, literals and responses", (given, utc) => {
    expect(coerceInputValue(given, dateTime)).toBe(utc);
    expect(valueFromAST(parseValue(JSON.stringify(given)), dateTime)).toBe(utc);
    expect(dateTime.serialize(given)).toBe(utc);
  });

  test.each([...invalidTexts, 0, true, {}, []])("rejects %j in variables and literals", (given) => {
    const messages: string[] = [];
    coerceInputValue(given, dateTime, (_path, _value, { message }) => void messages.push(message));
    expect(messages).toEqual([expect.stringMatching(/^DateTime must be an RFC 3339 time/)]);
    const literal = JSON.stringify(given);
    expect(valueFromAST(parseValue(literal), dateTime)).toBeUndefined();
  });

  test("serializes a Date, and throws for a value of a service that is no time", () => {
    expect(dateTime.serialize(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
    for (const value of ["yesterday", 0, new Date(Number.NaN), {}]) {
      expect(() => dateTime.serialize(value)).toThrow("This is no DateTime");
    }
  });

  test("names its specification", () => {
    expect(dateTime.specifiedByURL).toBe("https://www.rfc-editor.org/rfc/rfc3339#section-5.6");
  });
});

test.each([
  ["DateTime", '"2026-02-30T00:00:00Z"'],
  ["UUID", '"zzz"'],
])("the error of an invalid literal of %s names its place", (name, literal) => {
  const scalar = composedSchema().getType(name);
  if (!isScalarType(scalar)) throw new Error(`the schema has no scalar ${name}`);
  const parse = () => scalar.parseLiteral(parseValue(literal));
  expect(parse).toThrow(expect.objectContaining({ locations: [{ line: 1, column: 1 }] }));
});
