import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import {
  cleanUp,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../tools/support/processes.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";
import { putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
/** A folder in which the package is installed, and beside it the example of its page. */
let folder: string;

beforeAll(async () => {
  shop = await startTestShop();
  folder = temporaryFolder();
  install(pack());
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(async () => {
  await cleanUp();
  await shop.stop();
});

const packages = join(projectDir, "node_modules");

/** Runs a program, whose output is in the error if it fails. */
function run(program: string, args: string[], cwd: string): string {
  return execFileSync(program, args, { cwd, encoding: "utf8", stdio: "pipe" });
}

/** Packs a copy of the package, as `npm pack` does in its folder. Returns the tarball. */
function pack(): string {
  const copy = join(temporaryFolder(), "typescript");
  cpSync(join(projectDir, "clients", "typescript"), copy, { recursive: true });
  symlinkSync(packages, join(copy, "node_modules"));
  const args = ["pack", "--offline", "--silent", "--json"];
  const [packed] = JSON.parse(run("npm", args, copy)) as { filename: string }[];
  return join(copy, packed?.filename ?? "");
}

/** Installs the package with its dependencies and nothing else, without the network. */
function install(tarball: string): void {
  const target = join(folder, "node_modules", "shop-cluster-client");
  mkdirSync(target, { recursive: true });
  run("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"], folder);
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(
    readFileSync(join(target, "package.json"), "utf8"),
  ) as Record<string, Record<string, string> | undefined>;
  const needed = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
  for (const name of [...needed, "@types/node", "undici-types"]) {
    const link = join(folder, "node_modules", name);
    mkdirSync(join(link, ".."), { recursive: true });
    symlinkSync(join(packages, name), link);
  }
}

/** Writes the example of docs/typescript-client.md. */
function writeExample(): string {
  const page = readFileSync(join(projectDir, "docs", "typescript-client.md"), "utf8");
  const [, example = ""] = /^```ts\n(.*?)^```$/ms.exec(page) ?? [];
  const file = join(folder, "example.ts");
  writeFileSync(file, example.replace("http://localhost:8080", shop.url));
  return file;
}

/** Code of a user of the package: what is wrong in it does not compile. */
const consumer = `
import { isShopError, OrderDocument, ProductsDocument, ShopClient, webTokenStore, type Schema } from "shop-cluster-client";

const tokenStore = webTokenStore(localStorage);
export const client = new ShopClient({ url: "/graphql", tokenStore, webSocket: WebSocket });
export const products: Promise<{ productsConnection: { nodes: Pick<Schema.Product, "id" | "name">[] } }> =
  client.execute(ProductsDocument);
export const leftOf = (error: unknown): number =>
  isShopError(error, "OUT_OF_STOCK") ? error.details.left : 0;

// @ts-expect-error the variable is required
void client.execute(OrderDocument);
// @ts-expect-error the variable has another name
void client.execute(OrderDocument, { order: "1" });
// @ts-expect-error the document selects no weight
void client.execute(OrderDocument, { id: "1" }).then(({ order }) => order.weight);
// @ts-expect-error there is no such code
isShopError(null, "SOLD_OUT");
// @ts-expect-error there is no such sort
void client.execute(ProductsDocument, { sort: "BEST_FIRST" });
`;

test("the types of the package are complete, and its users' mistakes do not compile", () => {
  writeExample();
  writeFileSync(join(folder, "consumer.ts"), consumer);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: "es2022",
    module: "nodenext",
    lib: ["es2023", "dom", "dom.asynciterable"],
    types: ["node"],
    // The declarations of the package are checked, too.
    skipLibCheck: false,
  };
  const files = ["example.ts", "consumer.ts"];
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  expect(run(process.execPath, [join(packages, "typescript-7", "bin", "tsc")], folder)).toBe("");
});

test("the example of docs/typescript-client.md signs in, browses, orders, watches and cancels", async () => {
  await shop.signIn("ann");
  await putOnSale(shop, 5, 990);
  const env = { EMAIL: "ann@example.com", PASSWORD: password };
  const example = startProgram(process.execPath, [writeExample()], { env });
  await example.said("Signed in as ann.\nMug: 990\nOrdered for 1980.\nPress Enter");
  await eventually("the subscription", () => subscriptionsTo(shop, "order.cancelled") === 1);
  example.type("");
  await example.said("The order is CANCELLED.");
  expect(await example.ended()).toBe(0);
});
