import { describe, expect, test } from "@jest/globals";
import { GraphQLError, getIntrospectionQuery, parse } from "graphql";
import {
  assertFewTokens,
  assertSmallJson,
  assertSmall,
  hasTooManyValues,
  maxBodyValues,
  maxVariablesDepth,
  maxVariablesMembers,
  measure,
  requestLimits,
} from "../../services/api/limits/request-limits.ts";

const {
  tokens,
  fields,
  expandedFields,
  depth,
  aliases,
  rootFields,
  directives,
  introspectionLists,
} = requestLimits;

/** Returns the `extensions` of the error that a check throws, or undefined if it passes. */
function rejectionOf(check: () => void) {
  try {
    check();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(GraphQLError);
    return (error as GraphQLError).extensions;
  }
}

const repeat = (count: number, part: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => part(n)).join(" ");

const nested = (levels: number) => `${"{ a ".repeat(levels)}${"}".repeat(levels)}`;

const documents: Record<string, [limit: number, of: (count: number) => string]> = {
  fields: [fields, (n) => `{ a { ${repeat(n - 1, () => "b")} } }`],
  "expandedFields through fragments": [
    expandedFields,
    (n) => `{ a { ${repeat(n / 20 - 1, () => "...F")} ${repeat(19, () => "b")} } }
      fragment F on T { ${repeat(20, () => "b")} }`,
  ],
  depth: [depth, nested],
  "depth through fragments": [
    depth,
    (n) =>
      `{ ...F1 } ${repeat(n - 1, (i) => `fragment F${i + 1} on T { a { ...F${i + 2} } }`)}
       fragment F${n} on T { ... on T { a } }`,
  ],
  aliases: [aliases, (n) => `{ a { ${repeat(n, (i) => `b${i}: b`)} } }`],
  rootFields: [rootFields, (n) => `{ ${repeat(n, () => "a")} }`],
  "rootFields through fragments": [
    rootFields,
    (n) => `{ a ...F ...F } fragment F on T { ${repeat((n - 1) / 2, () => "a")} }`,
  ],
  directives: [directives, (n) => `{ a ${repeat(n, () => "@skip(if: true)")} }`],
  "directives of operations": [directives, (n) => `query ${repeat(n, () => "@a")} { a }`],
  "directives of variables": [directives, (n) => `query ($v: Int ${repeat(n, () => "@a")}) { a }`],
  introspectionLists: [
    introspectionLists,
    (n) => `{ __schema ${"{ fields { type ".repeat(n)} { name } ${"} }".repeat(n)} }`,
  ],
};

describe.each(Object.entries(documents))("%s", (name, [limit, of]) => {
  const steps: Record<string, number> = {
    "rootFields through fragments": 2,
    "expandedFields through fragments": 20,
  };
  const step = steps[name] ?? 1;
  const largest = limit - (step === 2 ? (limit + 1) % 2 : 0);

  test("is accepted at the limit", () => {
    expect(
      rejectionOf(() => {
        assertSmall(parse(of(largest)));
      }),
    ).toBeUndefined();
  });

  test("is rejected above the limit, with limit and value", () => {
    const value = largest + step;
    expect(
      rejectionOf(() => {
        assertSmall(parse(of(value)));
      }),
    ).toEqual({
      code: "QUERY_TOO_COMPLEX",
      limit,
      value,
    });
  });
});

describe("the tokens of a document", () => {
  const of = (count: number) => `{ ${repeat(count - 2, () => "a")} }`;

  test("are accepted at the limit and rejected above it", () => {
    expect(
      rejectionOf(() => {
        assertFewTokens(of(tokens));
      }),
    ).toBeUndefined();
    expect(
      rejectionOf(() => {
        assertFewTokens(of(tokens + 1));
      }),
    ).toMatchObject({ value: tokens + 1 });
  });

  test("are rejected on more lines than the limit", () => {
    const limit = requestLimits.lines;
    const check = (lines: number) =>
      rejectionOf(() => {
        assertFewTokens(`{ a(b: """${"\n".repeat(lines - 2)}""")\n}`);
      });
    expect(check(limit)).toBeUndefined();
    expect(check(limit + 1)).toEqual({ code: "QUERY_TOO_COMPLEX", limit, value: limit + 1 });
  });

  test("are counted up to ten times the limit", () => {
    const endless = "{".repeat(1_000_000);
    expect(
      rejectionOf(() => {
        assertFewTokens(endless);
      }),
    ).toMatchObject({ value: tokens * 10 });
  });

  test("of a syntax error are left to the parser", () => {
    expect(
      rejectionOf(() => {
        assertFewTokens(`{ a(b: "`);
      }),
    ).toBeUndefined();
  });
});

test("a cycle of fragments does not loop forever", () => {
  const circle = "{ ...A } fragment A on T { a { ...B } } fragment B on T { a { ...A } }";
  expect(
    rejectionOf(() => {
      assertSmall(parse(circle));
    }),
  ).toBeUndefined();
});

test("the standard introspection query is accepted", () => {
  const source = getIntrospectionQuery();
  expect(
    rejectionOf(() => {
      assertSmall(parse(source));
    }),
  ).toBeUndefined();
  expect(measure(source, parse(source)).tokens).toBeLessThan(tokens / 3);
});

describe("variables", () => {
  const deep = (levels: number): object => (levels === 0 ? [] : { a: [deep(levels - 2)] });

  test("are accepted up to the nesting limit and rejected above it", () => {
    expect(
      rejectionOf(() => {
        assertSmallJson(deep(maxVariablesDepth), "variables");
      }),
    ).toBeUndefined();
    expect(
      rejectionOf(() => {
        assertSmallJson(deep(maxVariablesDepth + 2), "variables");
      }),
    ).toMatchObject({
      code: "QUERY_TOO_COMPLEX",
      limit: maxVariablesDepth,
    });
  });

  test("are accepted up to the member limit and rejected above it", () => {
    const list = (length: number) => ({ a: Array.from({ length: length - 1 }, () => 1) });
    const check = (length: number) =>
      rejectionOf(() => {
        assertSmallJson(list(length), "variables");
      });
    expect(check(maxVariablesMembers)).toBeUndefined();
    const limit = maxVariablesMembers;
    expect(check(limit + 1)).toEqual({ code: "QUERY_TOO_COMPLEX", limit, value: limit + 1 });
  });

  test("of a hundred thousand levels are rejected without a stack overflow", () => {
    const endless = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) as object;
    expect(
      rejectionOf(() => {
        assertSmallJson(endless, "variables");
      }),
    ).toMatchObject({
      code: "QUERY_TOO_COMPLEX",
    });
  });
});

describe("the values of a JSON text", () => {
  const list = (values: number, value: string) => `[${Array(values).fill(value).join(",")}]`;

  test.each([
    ["numbers", "1", 1],
    ["empty lists", "[]", 2],
    ["objects", '{"a":0}', 2],
    ["objects of two members", '{"a":0, "b":{}}', 4],
  ])("%s may be as many as the limit", (_title, value, count) => {
    const most = Math.floor(maxBodyValues / count);
    expect(hasTooManyValues(list(most, value))).toBe(false);
    expect(hasTooManyValues(list(most + 2, value))).toBe(true);
  });

  test("are not counted in texts, also behind escaped quotes", () => {
    const text = JSON.stringify(`\\"${",[{".repeat(maxBodyValues)}\\`);
    expect(hasTooManyValues(list(2, text))).toBe(false);
  });
});
