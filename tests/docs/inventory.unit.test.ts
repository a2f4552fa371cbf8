import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { projectDir } from "../../tools/support/processes.ts";
import { readInventory, type Inventory } from "../support/docs/inventory.ts";
import { undocumentedNames, unknownNames } from "../support/docs/names.ts";
import { parsePage, readPages } from "../support/docs/pages.ts";

const pages = readPages(projectDir);
/** A changelog has names that are gone, and the recipes of docs/extending.md add names. */
const others = ["CHANGELOG.md", "docs/extending.md"];
const checkedPages = pages.filter(({ path }) => !others.includes(path));

let inventory: Inventory;
beforeAll(async () => {
  inventory = await readInventory(projectDir);
});

test.each(checkedPages)("each name that $path uses exists", (page) => {
  expect(unknownNames(page, inventory)).toEqual([]);
});

test("each setting, error code, script, action, event and metric is documented", () => {
  const settings = readFileSync(join(projectDir, ".env.example"), "utf8");
  expect(undocumentedNames([settings, ...checkedPages.map(({ text }) => text)], inventory)).toEqual(
    [],
  );
});

describe("with a small project", () => {
  const small: Inventory = {
    settings: new Set(["PORT", "DATA_DIR"]),
    errorCodes: new Set(["OUT_OF_STOCK"]),
    scripts: new Set(["start", "check"]),
    services: ["orders", "api"],
    actions: new Map([
      ["orders.place", ["user_id"]],
      ["orders.outbox", []],
    ]),
    contractActions: ["orders.place"],
    events: new Set(["order.placed"]),
    metrics: new Set(["moleculer_request_total", "process_uptime"]),
    ownMetrics: new Set(["moleculer_request_total"]),
    capitals: new Set(["NEWEST_FIRST"]),
    fileNames: new Set(["orders.graphql", "moleculer.config.ts"]),
  };
  const complete = `# All

\`PORT\`, \`DATA_DIR=/data\`, \`OUT_OF_STOCK\`, \`NEWEST_FIRST\`, \`PORT_FILE\`, \`PRODUCT_ID\`,
\`npm run check\`, \`npm start\`, \`orders.place\`, \`<service>.outbox\`, \`orders.graphql\`,
\`order.placed\`, \`moleculer.request.total\`, \`moleculer_request_total\`, \`process_uptime\`, \`moleculer.config.ts\`.

\`\`\`sh
TOKEN=$(cat token)
echo "$TOKEN"
\`\`\`

\`\`\`text
mol $ call orders.place --user_id 1
\`\`\`
`;

  test("a page that names everything has no faults", () => {
    expect(unknownNames(parsePage("a.md", complete), small)).toEqual([]);
    expect(undocumentedNames([complete], small)).toEqual([]);
  });

  test("each undocumented name is reported", () => {
    expect(undocumentedNames([complete.replace("`DATA_DIR=/data`, ", "")], small)).toEqual([
      "The setting DATA_DIR is on no page.",
    ]);
    expect(undocumentedNames([""], small)).toEqual([
      "The setting PORT is on no page.",
      "The setting DATA_DIR is on no page.",
      "The error code OUT_OF_STOCK is on no page.",
      "The script start is on no page.",
      "The script check is on no page.",
      "The action orders.place is on no page.",
      "The action orders.outbox is on no page.",
      "The event order.placed is on no page.",
      "The metric moleculer_request_total is on no page.",
    ]);
  });

  test.each([
    ["`npm run checks`", 'package.json has no script "checks".'],
    ["```sh\nnpm test\n```", 'package.json has no script "test".', 2],
    ["`DATA_FOLDER=/data npm start`", "There is no setting DATA_FOLDER."],
    ["```sh\nexport PORTS=1\n```", "There is no setting PORTS.", 2],
    ["`SOLD_OUT`", "There is no setting, error code or value SOLD_OUT."],
    ["`orders.palce`", "There is no action orders.palce."],
    ["`<service>.inbox`", "No service has an action inbox."],
    ["```text\nmol $ call orders.palce\n```", "There is no action orders.palce.", 2],
    [
      "```text\nmol $ call orders.place --user 1\n```",
      "The action orders.place has no parameter user.",
      2,
    ],
    ["`order.paid`", "There is no event order.paid."],
    ["`moleculer.request.count`", "There is no metric moleculer.request.count."],
  ])("an unknown name is reported: %j", (text, reason, line = 1) => {
    expect(unknownNames(parsePage("a.md", text), small)).toEqual([`a.md:${line}: ${reason}`]);
  });
});
