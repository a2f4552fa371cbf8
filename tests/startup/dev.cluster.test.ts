import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import {
  cleanUp,
  copyOfProject,
  freePort,
  postgresPids,
  startCommand,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";

/** A copy of the project, because the tests edit its files. */
let project: string;
let settings: { DATA_DIR: string; PORT: string };
let shop: Program;

beforeAll(async () => {
  project = copyOfProject();
  settings = { DATA_DIR: join(temporaryFolder(), "data"), PORT: String(await freePort()) };
  shop = startCommand("dev", settings, project);
  await shop.said("mol $");
});
afterAll(cleanUp);

const errorsFile = "services/products/products.errors.ts";
const unknownProduct = '{ product(id: "01890a5d-ac96-774b-bcce-b302099a8057") { id } }';

function edit(file: string, change: (text: string) => string): void {
  const path = join(project, file);
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

/** Replaces a file atomically, as many editors do. */
function replace(file: string, change: (text: string) => string): void {
  const path = join(project, file);
  writeFileSync(`${path}~`, change(readFileSync(path, "utf8")));
  renameSync(`${path}~`, path);
}

async function untilErrorSays(sentence: string): Promise<void> {
  await eventually(`the error saying "${sentence}"`, async () => {
    const { errors } = await graphql(`http://localhost:${settings.PORT}`, unknownProduct);
    return errors?.[0]?.message === sentence;
  });
}

test("npm run dev opens a REPL in the process of the shop", async () => {
  shop.type("nodes");
  await shop.said("(*)");
  await untilErrorSays("There is no such product in the catalogue.");
});

test("npm run dev serves each edit in the same process", async () => {
  const change = (from: string, to: string) => (text: string) => text.replace(from, to);
  edit(errorsFile, change("There is no such product in the catalogue.", "One."));
  await untilErrorSays("One.");
  replace(errorsFile, change("One.", "Two."));
  await untilErrorSays("Two.");
  replace(errorsFile, change("Two.", "Three."));
  await untilErrorSays("Three.");
  // There may be more reloads when a file was read before it was completely written.
  await eventually("three reloads", () => shop.output().split("reloaded products").length >= 4);
  expect(shop.output()).not.toContain("reloaded users");
});

test("npm run dev reloads a service that the REPL has loaded from a file", async () => {
  const file = "services/hello.service.ts";
  const greet = (text: string) => {
    writeFileSync(
      join(project, file),
      `export default { name: "hello", actions: { greet: () => "${text}" } };\n`,
    );
  };
  const untilItSays = (text: string) =>
    eventually(
      `the greeting "${text}"`,
      () => {
        if (shop.output().includes(`'${text}'`)) return true;
        // Node may report the file of an earlier greeting late, so that a reload is not yet the last.
        shop.type("call hello.greet");
        return false;
      },
      { everyMs: 500 },
    );
  greet("Hello, one.");
  shop.type(`load ${join(project, file)}`);
  await shop.said("Loaded successfully!");
  await untilItSays("Hello, one.");
  greet("Hello, two.");
  await untilItSays("Hello, two.");
  writeFileSync(join(project, file), "export default {\n");
  await shop.said("hello.service.ts was not reloaded");
  greet("Hello, three.");
  await untilItSays("Hello, three.");
});

test("npm run dev keeps the old version and shows the error of an invalid file", async () => {
  edit(errorsFile, (text) => `${text}const invalid = ;\n`);
  await shop.said("products was not reloaded");
  await shop.said("const invalid = ;");
  expect(shop.output()).toContain("products.errors.ts");
  await untilErrorSays("Three.");
  edit(errorsFile, (text) => text.replace("const invalid = ;\n", "").replace("Three.", "Four."));
  await untilErrorSays("Four.");
});

test.each([
  [
    "a .graphql file",
    "services/orders/orders.graphql",
    (text: string) => text.replace("product_id: ID!", "product_id: Nothing!"),
    /\(services\/orders\/orders\.graphql:\d+\): Unknown type "Nothing"\./,
  ],
  [
    "a GraphQL text of a contract",
    "services/orders/reading/reading.contract.ts",
    (text: string) => text.replace(" id: ID!): Order!", " id: ID!: Order!"),
    /\(services\/orders\/reading\/reading\.contract\.ts:\d+\): Syntax Error: Expected Name/,
  ],
])(
  "npm run dev serves the old schema and names the line of a mistake in %s",
  async (_title, file, change, sentence) => {
    const valid = readFileSync(join(project, file), "utf8");
    const offset = shop.output().length;
    edit(file, change);
    const heading =
      "users, products, orders, webhooks, api were not reloaded: The GraphQL schema of the service orders is not valid ";
    const said = await eventually("the sentence", () => {
      const output = shop.output().slice(offset);
      return output.includes(heading) && output;
    });
    expect(said).toMatch(sentence);
    expect(said).not.toMatch(/\n\s+at |reloaded (users|api)\n/);
    await untilErrorSays("Four.");

    edit(file, () => valid);
    await eventually("the reload of the corrected file", () =>
      shop.output().slice(offset).includes("reloaded api"),
    );
    await untilErrorSays("Four.");
  },
);

test("npm start with a mistake in a .graphql file ends with one sentence", async () => {
  const copy = copyOfProject();
  const path = join(copy, "services/users/users.graphql");
  writeFileSync(path, `${readFileSync(path, "utf8")}\ntype {\n`);
  const program = startCommand("start", { DATA_DIR: temporaryFolder(), PORT: "0" }, copy);
  expect(await program.ended()).toBe(1);
  expect(program.output()).toMatch(
    /^The GraphQL schema of the service users is not valid \(services\/users\/users\.graphql:\d+\): Syntax Error: .*\n$/,
  );
});

test("npm run dev reloads all services when a shared file changes", async () => {
  edit("services/users/users.contract.ts", (text) =>
    text.replace("There is no such user.", "Nobody."),
  );
  for (const name of ["users", "products", "orders", "webhooks", "api"])
    await shop.said(`reloaded ${name}`);
  const schema = await eventually("the schema's new text", async () => {
    const response = await fetch(`http://localhost:${settings.PORT}/schema.graphql`);
    const text = await response.text();
    return text.includes("Nobody.") && text;
  });
  expect(schema).toContain("USER_NOT_FOUND");
  await untilErrorSays("Four.");
  const counted = async () => {
    const response = await fetch(`http://localhost:${settings.PORT}/metrics`);
    const text = await response.text();
    expect(text).toContain("moleculer_request_total");
    const line = /^shop_graphql_operations_total\{.*code="PRODUCT_NOT_FOUND".*\} (\d+)$/m.exec(
      text,
    );
    return Number(line?.[1]);
  };
  const before = await counted();
  await untilErrorSays("Four.");
  await eventually("the metrics of the reloaded gateway", async () => (await counted()) > before);
});

test("npm run dev stops with its database at exit and at the end of its input", async () => {
  shop.type("exit");
  expect(await shop.ended()).toBe(0);
  expect(postgresPids(settings.DATA_DIR)).toEqual([]);

  shop = startCommand("dev", settings, project);
  await shop.said("mol $");
  shop.endInput();
  expect(await shop.ended()).toBe(0);
  expect(postgresPids(settings.DATA_DIR)).toEqual([]);
});
