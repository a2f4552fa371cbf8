import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { postgresUrl } from "../../embedded/postgres-databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import {
  cleanUp,
  copyOfProject,
  freePort,
  startCommand,
  temporaryFolder,
} from "../../tools/support/processes.ts";
import { apply, recipe } from "../support/docs/recipes.ts";

/** The recipes of docs/extending.md that have code, all applied to one copy of the project. */
const recipes = ["A field", "An action", "An event", "A service"].map(recipe);
const blocks = recipes.flat();

let project: string;
let url: string;
let settings: { DATA_DIR: string; PORT: string };
let token: string;
let adminId: string;

beforeAll(async () => {
  project = copyOfProject({ isWhole: true });
  apply(project, blocks);
  settings = { DATA_DIR: join(temporaryFolder(), "data"), PORT: String(await freePort()) };
  url = `http://127.0.0.1:${settings.PORT}`;
});
afterAll(cleanUp);

/** Runs a program in the copy. Throws with its output if it fails. */
async function run(program: string, args: string[]): Promise<void> {
  const file = join(project, program);
  try {
    await promisify(execFile)(process.execPath, [file, ...args], { cwd: project });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} found faults:\n${stdout}${stderr}`, { cause: error });
  }
}

async function ask<Result>(query: string): Promise<Result> {
  const { data, errors } = await graphql<Record<string, Result>>(url, query, { token });
  expect(errors).toBeUndefined();
  return Object.values(data ?? {})[0] as Result;
}

test("the recipes pass the checks of types, lint and format", async () => {
  const paths = new Set(blocks.map(({ path }) => path));
  const code = [...paths].filter((path) => path.endsWith(".ts"));
  // `npm run schema`.
  await run("tools/reference/write-schema.ts", []);
  const linted = [...code, "schema.graphql"];
  await Promise.all([
    run("node_modules/typescript-7/bin/tsc", []),
    run("node_modules/eslint/bin/eslint.js", ["--max-warnings", "0", ...linted]),
    run("node_modules/prettier/bin/prettier.cjs", ["--check", ...code]),
  ]);
});

test("the shop with the recipes starts and is ready", async () => {
  await startCommand("start", settings, project).said("The shop is open");
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  const credentials = 'email: "admin@shop.example", password: "correct horse"';
  const admin = `mutation { registerUser(input: { ${credentials}, username: "ann", type: 1 }) { id } }`;
  adminId = (await ask<{ id: string }>(admin)).id;
  token = (await ask<{ token: string }>(`mutation { login(input: { ${credentials} }) { token } }`))
    .token;
});

test("the field is written and read, and its recipe touches five files at most", async () => {
  const mug = 'name: "Mug", description: "", price: 1, stock: 9, weightGrams: 350';
  await ask(`mutation { createProduct(input: { ${mug} }) { id } }`);
  const plates = '{ name: "Plate", description: "", price: 1, stock: 0, weightGrams: 400 }';
  const bowls = '{ name: "Bowl", description: "", price: 1, stock: 0 }';
  await ask(`mutation { createProducts(input: { products: [${plates}, ${bowls}] }) { failed } }`);
  expect(await ask("{ products { name weightGrams } }")).toEqual([
    { name: "Mug", weightGrams: 350 },
    { name: "Plate", weightGrams: 400 },
    { name: "Bowl", weightGrams: 0 },
  ]);
  expect(new Set(recipe("A field").map(({ path }) => path)).size).toBeLessThanOrEqual(5);
});

test("the action's field answers", async () => {
  expect(await ask("{ statistics { products inStock } }")).toEqual({ products: 3, inStock: 1 });
});

test("the service counts what sells, and joins products", async () => {
  const products = await ask<{ id: string; name: string }[]>("{ products { id name } }");
  const mug = products.find(({ name }) => name === "Mug");
  for (const quantity of [2, 3]) {
    const line = `{ product_id: "${mug?.id ?? ""}", quantity: ${quantity} }`;
    await ask(`mutation { placeOrder(input: { order_products: [${line}] }) { id } }`);
  }
  await eventually("both orders being counted", async () => {
    const best = await ask<object[]>("{ bestsellers { pieces product { name } } }");
    return JSON.stringify(best) === '[{"pieces":5,"product":{"name":"Mug"}}]';
  });
});

test("the event reaches its consumer", async () => {
  const customer = 'email: "bob@shop.example", password: "correct horse", username: "bob", type: 0';
  const { id } = await ask<{ id: string }>(
    `mutation { registerUser(input: { ${customer} }) { id } }`,
  );
  await ask(`mutation { setUserType(input: { id: "${id}", type: 1 }) { id } }`);
  const orders = new pg.Client(postgresUrl(join(settings.DATA_DIR, "postgres"), "orders"));
  await orders.connect();
  try {
    await eventually("the read model of users", async () => {
      const { rows } = await orders.query("SELECT id, type FROM known_users ORDER BY type");
      return (
        JSON.stringify(rows) ===
        JSON.stringify([
          { id: adminId, type: 0 },
          { id, type: 1 },
        ])
      );
    });
  } finally {
    await orders.end();
  }
});
