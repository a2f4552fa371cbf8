import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import {
  cleanUp,
  copyOfProject,
  freePort,
  projectDir,
  startCommand,
  temporaryFolder,
} from "../../tools/support/processes.ts";

/** The files that the README shows for a service of a reader's own, by their paths. */
const files = new Map(
  [
    ...readFileSync(join(projectDir, "README.md"), "utf8").matchAll(
      /^```\w+\n(?:\/\/|--) (services\/bestsellers\/\S+)\n([^]+?)^```$/gm,
    ),
  ].map(([, path = "", text = ""]) => [path, text]),
);
const serviceFile = "services/bestsellers/bestsellers.service.ts";

let url: string;
let settings: { DATA_DIR: string; PORT: string };
let project: string;

beforeAll(async () => {
  project = copyOfProject();
  for (const [path, text] of files) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  const config = join(project, "config/config.ts");
  const before = readFileSync(config, "utf8");
  const after = before.replace('"products", "orders"]', '"products", "orders", "bestsellers"]');
  expect(after).not.toBe(before);
  writeFileSync(config, after);
  settings = { DATA_DIR: join(temporaryFolder(), "data"), PORT: String(await freePort()) };
  url = `http://127.0.0.1:${settings.PORT}`;
});
afterAll(cleanUp);

test("takes less than 30 lines", () => {
  expect([...files.keys()]).toContain(serviceFile);
  expect(files.get(serviceFile)?.trim().split("\n").length).toBeLessThan(30);
});

test("counts what sells, from the first order on", async () => {
  await startCommand("start", settings, project).said("The shop is open");
  const ask = async (query: string, token?: string) => {
    const { data } = await graphql<Record<string, { id: string; token: string }>>(url, query, {
      token,
    });
    return Object.values(data ?? {})[0];
  };
  const credentials = 'email: "admin@shop.example", password: "correct horse"';
  await ask(
    `mutation { registerUser(input: { ${credentials}, username: "ann", type: 1 }) { id } }`,
  );
  const login = await ask(`mutation { login(input: { ${credentials} }) { token } }`);
  const mug = await ask(
    'mutation { createProduct(input: { name: "Mug", description: "", price: 1, stock: 9 }) { id } }',
    login?.token,
  );
  for (const quantity of [2, 3]) {
    const line = `{ product_id: "${mug?.id ?? ""}", quantity: ${quantity} }`;
    const document = `mutation { placeOrder(input: { order_products: [${line}] }) { id } }`;
    expect(await ask(document, login?.token)).toBeDefined();
  }
  const console = startCommand("repl", settings, project);
  await console.said("mol $");
  await eventually("the console shows what was sold", async () => {
    console.type("call bestsellers.top");
    await console.said(mug?.id ?? "");
    return stripVTControlCharacters(console.output()).includes("pieces: 5");
  });
  const health = await fetch(`${url}/health/ready`);
  expect(await health.json()).toEqual({ status: "ready", missing: [] });
});
