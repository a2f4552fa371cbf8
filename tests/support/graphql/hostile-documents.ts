/** A request that is designed to be expensive. */
export interface HostileRequest {
  body: string | Uint8Array;
  headers?: Record<string, string>;
  /** The expected error code. */
  code: string;
  /** The exceeded limit. */
  limit?: number;
}

const unknownId = "01900000-0000-7000-8000-000000000000";
const json = (parts: object) => JSON.stringify(parts);
const repeat = (count: number, part: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => part(n)).join(" ");
const nested = (levels: number, open: string, close: string, inmost = "") =>
  `${open.repeat(levels)}${inmost}${close.repeat(levels)}`;

function tooComplex(query: string, limit: number): HostileRequest {
  return { body: json({ query }), code: "QUERY_TOO_COMPLEX", limit };
}

function invalid(query: string): HostileRequest {
  return { body: json({ query }), code: "GRAPHQL_VALIDATION_FAILED" };
}

function unparsable(query: string): HostileRequest {
  return { body: json({ query }), code: "GRAPHQL_PARSE_FAILED" };
}

function badRequest(headers: Record<string, string>, body: string | Uint8Array): HostileRequest {
  return { body, headers, code: "BAD_REQUEST" };
}

const doubled = (field: string, below: string) => `${field} { ${below} } b: ${field} { ${below} }`;
const login = `login(input: { email: "a@b.example", password: "correct horse" }) { token }`;
const query = json({ query: "{ products { id } }" });
const deepList = nested(20_000, "[", "]");
const megabytes = (count: number) => Math.floor(count * 1_048_576);
/** Together with the rest of the document just below the length limit. */
const longText = 99_900;

/** Requests over a limit. */
const overLimit: Record<string, HostileRequest> = {
  "500 aliases": tooComplex(`{ ${repeat(500, (n) => `a${n}: __typename`)} }`, 30),
  "500 aliases in a fragment": tooComplex(
    `{ ...F } fragment F on Query { ${repeat(490, (n) => `a${n}: __typename`)} }`,
    30,
  ),
  "200 aliased logins": tooComplex(`mutation { ${repeat(200, (n) => `a${n}: ${login}`)} }`, 2_000),
  "31 aliased logins": tooComplex(`mutation { ${repeat(31, (n) => `a${n}: ${login}`)} }`, 30),
  "21 aliased logins": tooComplex(`mutation { ${repeat(21, (n) => `a${n}: ${login}`)} }`, 20),
  "a depth of 60": tooComplex(
    `{ user(id: "${unknownId}") { ${nested(30, "orders { user { ", "} } ", "id ")} } }`,
    20,
  ),
  "a depth of 60 by inline fragments": tooComplex(
    nested(60, "{ ... on Query ", " }", `{ ${nested(21, "a { ", "} ", "b ")} }`),
    20,
  ),
  "20,000 tokens": tooComplex(`{ ${repeat(20_000, () => "a")} }`, 2_000),
  "braces without end": tooComplex("{a".repeat(49_000), 2_000),
  "lists without end": tooComplex(`{ product(id: ${"[".repeat(90_000)}`, 2_000),
  "30,000 directives": tooComplex(`{ products ${repeat(30_000, () => "@a")} { id } }`, 2_000),
  "60 directives": tooComplex(`{ products ${repeat(60, () => "@skip(if: true)")} { id } }`, 50),
  "3,000 same fields": tooComplex(`{ products { ${repeat(3_000, () => "id")} } }`, 2_000),
  "600 same fields": tooComplex(`{ products { ${repeat(600, () => "id")} } }`, 500),
  "introspection in circles": tooComplex(
    `{ __schema { types { ${nested(6, "fields { type { ", "} } ", "name ")} } } }`,
    3,
  ),
  "introspection in circles, by fragments": tooComplex(
    `{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } }
     fragment B on __Type { possibleTypes { interfaces { name } } }`,
    3,
  ),
  "exponential fragments": tooComplex(
    `{ products { ...F0 } }
     ${repeat(60, (n) => `fragment F${n} on Product { ...F${n + 1} ...F${n + 1} }`)}
     fragment F60 on Product { id }`,
    2_000,
  ),
  "fragments that double over joins": tooComplex(
    `{ orders(limit: 1) { ...F0 } }
     ${repeat(14, (n) => `fragment F${n} on ${n % 2 === 0 ? "AllOrdersOrder" : "User"} { ${doubled(n % 2 === 0 ? "user" : "orders", `...F${n + 1}`)} }`)}
     fragment F14 on AllOrdersOrder { id }`,
    2_000,
  ),
  "99,000 line ends": tooComplex(`${"\n".repeat(99_000)}{ ${repeat(20, (n) => `x${n}`)} }`, 5_000),
  "a block text of 49,000 lines": tooComplex(
    `{ nothing(a: """${"\n ".repeat(49_000)}""") }`,
    5_000,
  ),
  "line ends by the hundred thousand": tooComplex(
    `${"\n".repeat(500_000)}{ ${repeat(20, (n) => `x${n}`)} }`,
    100_000,
  ),
  "200,000 unfit elements in a variable": {
    body: json({
      query: "query ($ids: [ID!]) { productsConnection(filter: { ids: $ids }) { totalCount } }",
      variables: { ids: Array.from({ length: 200_000 }, () => 1.5) },
    }),
    code: "QUERY_TOO_COMPLEX",
    // Rejected before it is parsed.
    limit: 30_100,
  },
  "29,000 unfit elements in a variable": {
    body: json({
      query: "query ($ids: [ID!]) { productsConnection(filter: { ids: $ids }) { totalCount } }",
      variables: { ids: Array.from({ length: 29_000 }, () => 1.5) },
    }),
    code: "QUERY_TOO_COMPLEX",
    limit: 15_000,
  },
  "14,900 unfit elements in a variable": {
    body: json({
      query: "query ($ids: [ID!]) { productsConnection(filter: { ids: $ids }) { totalCount } }",
      variables: { ids: Array.from({ length: 14_900 }, () => 1.5) },
    }),
    code: "BAD_USER_INPUT",
  },
  "lines of many orders of many users": tooComplex(
    "{ users(limit: 100) { orders { order_products { product_id quantity } } } }",
    200_000,
  ),
  "introspection under 20 names": tooComplex(
    `{ ${repeat(20, (n) => `a${n}: __schema { ...S }`)} }
     fragment S on __Schema { types { kind name description fields { name description args { name description type { kind name ofType { kind name } } defaultValue } type { kind name ofType { kind name } } } inputFields { name description type { kind name ofType { kind name } } defaultValue } enumValues { name description } } }`,
    200_000,
  ),
  "exponential fragments of the operation": tooComplex(
    `{ ...F0 } ${repeat(40, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)}
     fragment F40 on Query { __typename }`,
    20,
  ),
  "lists in lists": tooComplex("{ users { orders { user { orders { id } } } } }", 200_000),
  "variables 20,000 levels deep": {
    body: `{"query":"{ __typename }","variables":{"a":${deepList}}}`,
    code: "QUERY_TOO_COMPLEX",
    limit: 20,
  },
  "extensions 20,000 levels deep": {
    body: `{"query":"{ __typename }","extensions":{"a":${deepList}}}`,
    code: "QUERY_TOO_COMPLEX",
    limit: 20,
  },
  "variables 29,000 objects deep": {
    body: `{"query":"{ __typename }","variables":${nested(29_000, '{"a":', "}", "1")}}`,
    code: "QUERY_TOO_COMPLEX",
    limit: 20,
  },
  "a body of 5 MB": {
    body: json({ query: "{ __typename }", variables: { text: "x".repeat(megabytes(5)) } }),
    code: "QUERY_TOO_COMPLEX",
    limit: megabytes(1),
  },
};

/** Invalid documents whose validation could take long. */
const invalidDocuments: Record<string, HostileRequest> = {
  "a circle of fragments": invalid(
    `{ products { ...A } } fragment A on Product { ...B } fragment B on Product { ...A }`,
  ),
  "a circle of fragments over fields": invalid(
    `{ order(id: "1") { ...A } } fragment A on Order { user { ...B } }
     fragment B on User { orders { user { ...B } } }`,
  ),
  "fields that conflict": invalid(
    `{ ${repeat(20, (n) => `products(limit: ${n}) { ${repeat(24, () => "id")} }`)} }`,
  ),
  "fragments that compare each with each": invalid(
    `{ products { ${repeat(100, (n) => `...F${n}`)} } }
     ${repeat(100, (n) => `fragment F${n} on Product { ${n < 30 ? "price: stock" : "price"} }`)}`,
  ),
  "values nested 900 levels deep": invalid(`{ product(id: ${nested(900, "[", "]")}) { id } }`),
  "objects nested 400 levels deep": invalid(
    `mutation { login(input: ${nested(400, "{ a: ", " }", "1")}) { token } }`,
  ),
  "types nested 600 levels deep": invalid(`query ($v: ${nested(600, "[", "]", "Int")}) { a }`),
  "a whole number of 99,900 digits": invalid(`{ products(limit: ${"9".repeat(longText)}) { id } }`),
  "a text of 99,900 characters for a number": invalid(
    `{ products(limit: "${"x".repeat(longText)}") { id } }`,
  ),
  "a name of 99,900 characters": invalid(`{ ${"x".repeat(longText)} }`),
  "450 unknown fields": invalid(`{ products { ${repeat(450, (n) => `pric${n}`)} } }`),
  "300 unused variables": invalid(`query (${repeat(300, (n) => `$v${n}: Int`)}) { __typename }`),
  "a comment of 99,900 characters": invalid(`# ${"x".repeat(longText)}\n{ nothing }`),
  "99,900 commas": invalid(`{ ${",".repeat(longText)} nothing }`),
  "16,000 escaped characters": invalid(`{ nothing(a: "${"\\u0041".repeat(16_000)}") }`),
  "a block text of 4,900 lines": invalid(`{ nothing(a: """${"\n ".repeat(4_900)}""") }`),
  "a block text of quotation marks": invalid(`{ nothing(a: """${'\\"""'.repeat(24_000)}""") }`),
  "20 unknown fields behind 4,900 line ends": invalid(
    `${"\n".repeat(4_900)}{ ${repeat(20, (n) => `x${n}`)} }`,
  ),
  "an open text": unparsable(`{ product(id: "${"x".repeat(longText)}`),
  "an open block text": unparsable(`{ product(id: """${'""\\"'.repeat(24_000)}`),
  "surrogates in names": unparsable(`{ ${"\ud83d\ude00".repeat(1_000)} }`),
  "braces nested 900 levels deep": unparsable("{a".repeat(900)),
};

/** Requests that are no GraphQL requests. */
const badRequests: Record<string, HostileRequest> = {
  "500 operations in an array": badRequest(
    {},
    `[${repeat(500, () => query).replaceAll("} {", "},{")}]`,
  ),
  "broken JSON": badRequest({}, query.slice(0, -1)),
  "half a megabyte of brackets": badRequest({}, "[".repeat(500_000)),
  "numbers without end": badRequest({}, `{"query":${"1".repeat(1_000_000)}}`),
  "a form": badRequest(
    { "content-type": "application/x-www-form-urlencoded" },
    `query=${encodeURIComponent("mutation { logoutEverywhere { success } }")}`,
  ),
  "plain text": badRequest({ "content-type": "text/plain" }, query),
  "a file": badRequest(
    { "content-type": "multipart/form-data; boundary=x" },
    `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${query}\r\n--x\r\n` +
      `Content-Disposition: form-data; name="0"; filename="a.txt"\r\n\r\na\r\n--x--\r\n`,
  ),
  "GraphQL as it is": badRequest({ "content-type": "application/graphql" }, "{ products { id } }"),
  "two content types": badRequest({ "content-type": "text/plain, application/json" }, query),
};

/** All hostile requests, by title. */
export const hostileRequests: Record<string, HostileRequest> = {
  ...overLimit,
  ...invalidDocuments,
  ...badRequests,
};
