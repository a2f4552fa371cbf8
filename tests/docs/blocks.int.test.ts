import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { cleanUp, projectDir } from "../../tools/support/processes.ts";
import { ExampleShop } from "../support/docs/example-shop.ts";
import { faultLines, isRun, parsePage, readPages } from "../support/docs/pages.ts";
import { runPage } from "../support/docs/run-page.ts";

const pages = readPages(projectDir);
/** recipes.cluster.test.ts applies and runs the blocks of docs/extending.md. */
const runPages = pages.filter(
  ({ path, blocks }) =>
    /^(README\.md|docs\/.*)$/.test(path) && path !== "docs/extending.md" && blocks.some(isRun),
);

afterAll(cleanUp);

test.each(pages)("the code blocks of $path have a language and correct marks", (page) => {
  expect(faultLines(page, page.faults)).toEqual([]);
});

test.each(runPages)("the code blocks of $path run, and the answers are right", async (page) => {
  // A page may register the first admin, so each has a shop of its own.
  const example = await ExampleShop.start();
  try {
    expect(await runPage(page, example)).toEqual([]);
  } finally {
    await example.stop();
  }
});

describe("marks", () => {
  test.each([
    ["```\nls\n```", "1: The block has no language."],
    ["```bash\nls\n```", /^a\.md:1: The language "bash" is none of sh, /],
    ["<!-- runs as: ann -->\n\n```sh\nls\n```", '1: The mark "runs as: ann" is unknown.'],
    ["<!-- not run -->\n\n```sh\nls\n```", '1: The mark "not run" has no reason.'],
    [
      "<!-- as: ann -->\n\n```graphql\n{ a }\n```",
      '1: The mark "as" names "ann", not admin or customer.',
    ],
    [
      "<!-- answer -->\n\ntext\n\n```json\n{}\n```",
      '1: The mark "answer" stands before no code block.',
    ],
    [
      '```sh\nls\n```\n\n```json\n{ "errors": [] }\n```',
      '5: The answer of the block before has no mark "answer".',
    ],
  ])("a fault is reported: %j", (text, fault) => {
    const page = parsePage("a.md", text);
    const lines = faultLines(page, page.faults);
    expect(lines).toEqual([
      typeof fault === "string" ? `a.md:${fault}` : expect.stringMatching(fault),
    ]);
  });
});

const correct = `# A page

\`\`\`sh
name=Cup
curl -s localhost:8080/graphql -H 'content-type: application/json' \\
  -d '{"query": "{ products { id } }"}'
curl -s localhost:8080/graphql -H 'content-type: application/json' \\
  -d '{"query": "{ product(id: \\"PRODUCT_ID\\") { name stock } }"}'
\`\`\`

<!-- answer -->

\`\`\`json
{ "data": { "product": { "name": "Mug", "stock": 7 } } }
\`\`\`

\`\`\`sh
test "$name" = Cup
\`\`\`

<!-- as: customer -->
<!-- variables: { "id": "ORDER_ID" } -->

\`\`\`graphql
query ($id: ID!) {
  order(id: $id) {
    id
    status
    history {
      at
    }
  }
}
\`\`\`

<!-- answer -->

\`\`\`json
{
  "data": {
    "order": {
      "id": "01a22363-bada-7252-8036-31ca850330e4",
      "status": "PLACED",
      "history": [{ "at": "2026-01-31T12:00:00.000Z" }]
    }
  }
}
\`\`\`

\`\`\`graphql
query {
  productsConnection(first: 1, after: "CURSOR", sort: PRICE_DESC) {
    nodes {
      name
    }
  }
}
\`\`\`

<!-- answer -->

\`\`\`json
{ "data": { "productsConnection": { "nodes": [{ "name": "Mug" }] } } }
\`\`\`

\`\`\`graphql
mutation {
  placeOrder(input: { order_products: [{ product_id: "PRODUCT_ID", quantity: 1 }] }) {
    id
  }
}
\`\`\`

<!-- answer -->

\`\`\`json
{
  "errors": [
    {
      "message": "Sign in to do this: send the token that login returns.",
      "path": ["placeOrder"],
      "locations": [{ "line": 2, "column": 3 }],
      "extensions": { "code": "UNAUTHENTICATED" }
    }
  ],
  "data": null
}
\`\`\`

<!-- as: customer -->

\`\`\`graphql
subscription {
  orderPlaced {
    id
  }
}
\`\`\`

<!-- file: answer.mjs -->

\`\`\`js
const response = await fetch("http://localhost:8080/health/live");
if (!response.ok) process.exit(1);
\`\`\`

<!-- not run: it holds the terminal -->

\`\`\`sh
npm start
\`\`\`
`;

describe("the blocks of a small page", () => {
  let example: ExampleShop;
  beforeAll(async () => {
    example = await ExampleShop.start();
  });
  afterAll(() => example.stop());

  test("have no faults if they are right", async () => {
    expect(await runPage(parsePage("a.md", correct), example)).toEqual([]);
  });

  test.each([
    [
      "a field that the answer lacks",
      '"stock": 7',
      '"price": 7',
      [
        "a.md:13: The shop's answer has no answer.data.product.price.",
        "a.md:13: The example has no answer.data.product.stock, and the shop's answer has it.",
      ],
    ],
    [
      "a value of another type",
      '"stock": 7',
      '"stock": "7"',
      [
        "a.md:13: answer.data.product.stock is a text in the example and a number in the shop's answer.",
      ],
    ],
    [
      "a time that is no time",
      '"at": "2026-01-31T12:00:00.000Z"',
      '"at": "2026-01-31"',
      [
        "a.md:38: answer.data.order.history[0].at is a text in the example and a time in the shop's answer.",
      ],
    ],
    [
      "a command that fails",
      'test "$name" = Cup',
      'test "$name" = Mug',
      ['a.md:18: The script fails at "test "$name" = Mug".'],
    ],
    [
      "another error code",
      "UNAUTHENTICATED",
      "FORBIDDEN",
      [
        'a.md:76: answer.errors[0].extensions.code is "FORBIDDEN" in the example and "UNAUTHENTICATED" in the shop\'s answer.',
      ],
    ],
    [
      "a document that the shop rejects",
      "  orderPlaced {",
      "  orderPaid {",
      [
        'a.md:92: The shop answers: GRAPHQL_VALIDATION_FAILED, Cannot query field "orderPaid" on type "Subscription". Did you mean "orderPlaced" or "orderUpdated"?',
      ],
    ],
    [
      "a program that fails",
      "health/live",
      "health/lively",
      ['a.md:103: The script fails at "node answer.mjs".'],
    ],
  ])("%s is reported", async (_fault, before, after, faults) => {
    const page = parsePage(
      "a.md",
      correct.replace(before, () => after),
    );
    expect(await runPage(page, example)).toEqual(faults);
  });
});
