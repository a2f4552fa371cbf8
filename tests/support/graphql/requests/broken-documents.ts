import fc from "fast-check";
import { TokenKind, GraphQLError, Lexer, Source } from "graphql";
import type { Operation } from "./graphql-arbitraries.ts";
import { anyText } from "./graphql-values.ts";

const oddTokens = [
  "{",
  "}",
  "(",
  ")",
  "[",
  "]",
  ":",
  "=",
  "!",
  "|",
  "&",
  "@",
  "$",
  "...",
  '"',
  '""',
  '"""',
  "#",
  "\\",
  "0",
  "-0",
  "00",
  "1.5",
  "-1",
  "1e400",
  "99999999999999999999",
  "null",
  "true",
  "$v1",
  "on",
  "id",
  "query",
  "mutation",
  "subscription",
  "fragment",
  "extend type",
  "__typename",
  "@include(if: $x)",
  "@deprecated",
  "\ufeff",
  "\u0000",
  "é",
  "...on User",
  "...F1",
  '"\\u{1F600}"',
  '"\\ud800"',
  "{id:1}",
];
const oddToken = fc.oneof(fc.constantFrom(...oddTokens), anyText);

const changes = [
  "drop",
  "double",
  "swap",
  "replace",
  "insert",
  "cut",
  // These mostly give valid syntax that does not match the schema.
  "rename",
  "rename",
  "exchange",
  "exchange",
  "exchange",
  "variables",
  "variables",
] as const;
type Change = (typeof changes)[number];

/** Generates operations with one fault: a token, the end of the text, or a variable. */
export function nearlyValid(operations: fc.Arbitrary<Operation>): fc.Arbitrary<Operation> {
  const change = fc.record({
    kind: fc.constantFrom(...changes),
    at: fc.nat(),
    token: oddToken,
    value: fc.jsonValue(),
  });
  return fc.tuple(operations, change).map(([operation, { kind, at, token, value }]) => {
    if (kind === "variables") return withOddVariable(operation, at, value);
    return { ...operation, query: changed(operation.query, kind, at, token) };
  });
}

function withOddVariable(operation: Operation, at: number, value: unknown): Operation {
  const names = [...Object.keys(operation.variables), "unknown", "__proto__"];
  const name = names[at % names.length] ?? "unknown";
  const others = Object.entries(operation.variables).filter(([other]) => other !== name);
  const changed = at % 4 === 0 ? others : [...others, [name, value] as const];
  return { ...operation, variables: Object.fromEntries(changed) };
}

function changed(query: string, kind: Change, at: number, token: string): string {
  if (kind === "cut") return query.slice(0, at % (query.length + 1));
  const tokens = tokensOf(query);
  const index = at % (tokens.length + 1);
  const [here = "", next = ""] = tokens.slice(index, index + 2);
  const replacement: Record<Exclude<Change, "cut" | "variables">, string[]> = {
    drop: [next],
    double: [here, here, next],
    swap: [next, here],
    replace: [token, next],
    insert: [token, here, next],
    exchange: [similarToken(tokens, index), next],
    rename: [/^\w+$/.test(here) ? `${here}x` : "x", next],
  };
  if (kind === "variables") return query;
  return [...tokens.slice(0, index), ...replacement[kind], ...tokens.slice(index + 2)].join(" ");
}

/** Returns the next different token of the same kind as the one at `index`. */
function similarToken(tokens: string[], index: number): string {
  const isName = (token: string | undefined) => /^\w/.test(token ?? "");
  const others = [...tokens.slice(index + 1), ...tokens.slice(0, index)];
  const here = tokens[index];
  return others.find((token) => token !== here && isName(token) === isName(here)) ?? "x";
}

/** Returns the tokens of a document as written. */
function tokensOf(query: string): string[] {
  const lexer = new Lexer(new Source(query));
  const tokens: string[] = [];
  try {
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
      tokens.push(query.slice(token.start, token.end));
    }
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
  }
  return tokens;
}

/** Generates documents of random tokens or characters. */
export const malformedOperations: fc.Arbitrary<Operation> = fc
  .oneof(
    fc.array(oddToken, { maxLength: 40 }).map((tokens) => tokens.join(" ")),
    fc.string(),
    anyText,
  )
  .map((query) => ({ query, variables: {} }));

const operationLike = fc.record(
  {
    query: fc.oneof(fc.constant("{ __typename }"), fc.jsonValue()),
    variables: fc.jsonValue(),
    operationName: fc.jsonValue(),
    extensions: fc.oneof(
      fc.jsonValue(),
      fc.record({ persistedQuery: fc.oneof(fc.jsonValue(), fc.constant({ version: 1 })) }),
    ),
  },
  { requiredKeys: [] },
);

/** A request body that is no operation. */
export interface OddBody {
  body: string | Uint8Array;
}

/** Generates bodies of other JSON, truncated JSON and bytes. */
export const oddBodies: fc.Arbitrary<OddBody> = fc
  .oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json(),
    operationLike.map((operation) => JSON.stringify(operation)),
    fc.array(operationLike, { maxLength: 5 }).map((batch) => JSON.stringify(batch)),
    fc.tuple(operationLike, fc.nat()).map(([operation, at]) => {
      const json = JSON.stringify(operation);
      return json.slice(0, at % (json.length + 1));
    }),
  )
  .map((body) => ({ body }));
