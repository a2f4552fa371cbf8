import { describe, expect, test } from "@jest/globals";
import { GraphQLError, getIntrospectionQuery, parse } from "graphql";
import {
  assertFewTokens,
  assertSmallJson,
  assertSmall,
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

/** The `extensions` of what a check throws; undefined where it lets pass. */
function refusal(check: () => void) {
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
  const most = limit - (step === 2 ? (limit + 1) % 2 : 0);

  test("may reach the limit", () => {
    expect(
      refusal(() => {
        assertSmall(parse(of(most)));
      }),
    ).toBeUndefined();
  });

  test("beyond it are refused, with limit and value", () => {
    const value = most + step;
    expect(
      refusal(() => {
        assertSmall(parse(of(value)));
      }),
    ).toEqual({
      code: "QUERY_TOO_COMPLEX",
      limit,
      value,
    });
  });
});

describe("tokens", () => {
  const of = (count: number) => `{ ${repeat(count - 2, () => "a")} }`;

  test("may reach the limit, and are refused beyond", () => {
    expect(
      refusal(() => {
        assertFewTokens(of(tokens));
      }),
    ).toBeUndefined();
    expect(
      refusal(() => {
        assertFewTokens(of(tokens + 1));
      }),
    ).toMatchObject({ value: tokens + 1 });
  });

  test("may stand on so many lines, and no more", () => {
    const limit = requestLimits.lines;
    const check = (lines: number) =>
      refusal(() => {
        assertFewTokens(`{ a(b: """${"\n".repeat(lines - 2)}""")\n}`);
      });
    expect(check(limit)).toBeUndefined();
    expect(check(limit + 1)).toEqual({ code: "QUERY_TOO_COMPLEX", limit, value: limit + 1 });
  });

  test("are counted up to ten times the limit", () => {
    const endless = "{".repeat(1_000_000);
    expect(
      refusal(() => {
        assertFewTokens(endless);
      }),
    ).toMatchObject({ value: tokens * 10 });
  });

  test("of what is no GraphQL are left to the parser", () => {
    expect(
      refusal(() => {
        assertFewTokens(`{ a(b: "`);
      }),
    ).toBeUndefined();
  });
});

test("fragments in a circle have an end", () => {
  const circle = "{ ...A } fragment A on T { a { ...B } } fragment B on T { a { ...A } }";
  expect(
    refusal(() => {
      assertSmall(parse(circle));
    }),
  ).toBeUndefined();
});

test("the introspection of every client is let pass", () => {
  const source = getIntrospectionQuery();
  expect(
    refusal(() => {
      assertSmall(parse(source));
    }),
  ).toBeUndefined();
  expect(measure(source, parse(source)).tokens).toBeLessThan(tokens / 3);
});

describe("variables", () => {
  const deep = (levels: number): object => (levels === 0 ? [] : { a: [deep(levels - 2)] });

  test("may be nested up to the limit", () => {
    expect(
      refusal(() => {
        assertSmallJson(deep(maxVariablesDepth), "variables");
      }),
    ).toBeUndefined();
    expect(
      refusal(() => {
        assertSmallJson(deep(maxVariablesDepth + 2), "variables");
      }),
    ).toMatchObject({
      code: "QUERY_TOO_COMPLEX",
      limit: maxVariablesDepth,
    });
  });

  test("may have so many members, and no more", () => {
    const list = (length: number) => ({ a: Array.from({ length: length - 1 }, () => 1) });
    const check = (length: number) =>
      refusal(() => {
        assertSmallJson(list(length), "variables");
      });
    expect(check(maxVariablesMembers)).toBeUndefined();
    const limit = maxVariablesMembers;
    expect(check(limit + 1)).toEqual({ code: "QUERY_TOO_COMPLEX", limit, value: limit + 1 });
  });

  test("nested without end cost no stack", () => {
    const endless = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) as object;
    expect(
      refusal(() => {
        assertSmallJson(endless, "variables");
      }),
    ).toMatchObject({
      code: "QUERY_TOO_COMPLEX",
    });
  });
});
