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

/** A copy of the project, since the tests edit its files. */
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

/** As editors do that never leave a half-written file behind. */
function replace(file: string, change: (text: string) => string): void {
  const path = join(project, file);
  writeFileSync(`${path}~`, change(readFileSync(path, "utf8")));
  renameSync(`${path}~`, path);
}

async function refusalSays(sentence: string): Promise<void> {
  await eventually(`the refusal saying "${sentence}"`, async () => {
    const { errors } = await graphql(`http://localhost:${settings.PORT}`, unknownProduct);
    return errors?.[0]?.message === sentence;
  });
}

test("opens a console in the shop's own process", async () => {
  shop.type("nodes");
  await shop.said("(*)");
  await refusalSays("There is no such product in the catalogue.");
});

test("serves what was edited, edit after edit, in the same process", async () => {
  const change = (from: string, to: string) => (text: string) => text.replace(from, to);
  edit(errorsFile, change("There is no such product in the catalogue.", "One."));
  await refusalSays("One.");
  replace(errorsFile, change("One.", "Two."));
  await refusalSays("Two.");
  replace(errorsFile, change("Two.", "Three."));
  await refusalSays("Three.");
  // More than three, where a file was read before it was written to its end.
  await eventually("three reloads", () => shop.output().split("reloaded products").length >= 4);
  expect(shop.output()).not.toContain("reloaded users");
});

test("keeps the old version, and says where, when a file cannot be read", async () => {
  edit(errorsFile, (text) => `${text}const broken = ;\n`);
  await shop.said("products was not reloaded");
  await shop.said("const broken = ;");
  expect(shop.output()).toContain("products.errors.ts");
  await refusalSays("Three.");
  edit(errorsFile, (text) => text.replace("const broken = ;\n", "").replace("Three.", "Four."));
  await refusalSays("Four.");
});

test("reloads all services when what they share changes, and the gateway's page with them", async () => {
  edit("services/users/users.contract.ts", (text) =>
    text.replace("There is no such user.", "Nobody."),
  );
  for (const name of ["users", "products", "orders", "api"]) await shop.said(`reloaded ${name}`);
  const schema = await eventually("the schema's new text", async () => {
    const response = await fetch(`http://localhost:${settings.PORT}/schema.graphql`);
    const text = await response.text();
    return text.includes("Nobody.") && text;
  });
  expect(schema).toContain("USER_NOT_FOUND");
  await refusalSays("Four.");
  const metrics = await fetch(`http://localhost:${settings.PORT}/metrics`);
  expect(await metrics.text()).toContain("moleculer_request_total");
});

test("stops with its database at exit, and at the end of its input", async () => {
  shop.type("exit");
  expect(await shop.ended()).toBe(0);
  expect(postgresPids(settings.DATA_DIR)).toEqual([]);

  shop = startCommand("dev", settings, project);
  await shop.said("mol $");
  shop.endInput();
  expect(await shop.ended()).toBe(0);
  expect(postgresPids(settings.DATA_DIR)).toEqual([]);
});
