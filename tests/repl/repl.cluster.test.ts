import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import { anyNatsServer } from "../../tools/support/nats-server.ts";
import {
  cleanUp,
  freePort,
  startCommand,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";

let databases: TestDatabases;
let port: string;
/** Settings that `npm start` and `npm run repl` share on one machine. */
let local: Record<string, string>;
/** Settings that the nodes of a cluster and their REPL share. */
let cluster: Record<string, string>;
const running: Program[] = [];

beforeAll(async () => {
  databases = await cloneDatabases();
  port = String(await freePort());
  local = { DATA_DIR: join(temporaryFolder(), "data"), PORT: port };
  cluster = {
    TRANSPORTER: await anyNatsServer(),
    NAMESPACE: `test-${process.pid}-${Date.now()}`,
  };
  const { users, products, orders } = databases.urls;
  running.push(
    startCommand("start", local),
    startCommand("serve", {
      ...cluster,
      SERVICES: "users,products,orders",
      USERS_DB_URL: users,
      PRODUCTS_DB_URL: products,
      ORDERS_DB_URL: orders,
    }),
  );
  await running[0]?.said("The shop is open");
  await running[1]?.said("started successfully");
});
afterAll(async () => {
  await cleanUp();
  await databases.drop();
});

/** Drives a REPL: types a line and waits for the answer. */
class Repl {
  readonly program: Program;
  #offset = 0;

  constructor(settings: Record<string, string>) {
    this.program = startCommand("repl", settings);
  }

  /** Types a line and waits until the output after it contains all words. Returns that output, which has no color codes. */
  async type(line: string, ...words: string[]): Promise<string> {
    this.#offset = this.program.output().length;
    this.program.type(line);
    return eventually(`"${line}" being answered`, () => {
      const answer = this.#answer();
      for (const word of words) expect(answer).toContain(word);
      return answer;
    });
  }

  /** Types a `call` and gives the field `id` of its response. */
  async call(line: string): Promise<string> {
    const answer = await this.type(`call ${line}`, "Response:", "id:", "}\n");
    return / id: '([\w-]+)'/.exec(answer.slice(answer.indexOf("Response:")))?.[1] ?? "";
  }

  /** Waits until a service can be called. */
  async waitForService(service: string): Promise<void> {
    await eventually(`the REPL reaching ${service}`, async () => {
      // Waits for each answer, so that it is not taken for the answer of the next call.
      await this.type(`call ${service}.ready`, "mol $");
      return this.#answer().includes("Response:");
    });
  }

  #answer(): string {
    const answer = this.program.output().slice(this.#offset);
    // The output is a pipe.
    expect(stripVTControlCharacters(answer)).toBe(answer);
    return answer;
  }
}

test("a REPL that cannot write its history file opens without a word about it", async () => {
  const repl = new Repl({ ...local, HOME: join(temporaryFolder(), "missing") });
  await repl.program.said("mol $");
  await repl.waitForService("users");
  expect(repl.program.output()).not.toMatch(/history/i);
});

describe.each([
  ["npm start", () => local],
  ["a cluster over NATS", () => cluster],
])("a REPL on %s", (_title, settings) => {
  let repl: Repl;

  beforeAll(async () => {
    repl = new Repl(settings());
    await repl.program.said("mol $");
    expect(repl.program.output()).toMatch(/actions lists all actions .*\n.*call products\.create/);
    await repl.waitForService("users");
  });

  test("lists nodes, services, actions and events", async () => {
    await repl.type("nodes", "(*)", "ONLINE");
    await repl.type("services", "users", "products", "orders");
    const actions = await repl.type(
      "actions",
      "users.register",
      "products.updateInventory",
      "orders.place",
      "Parameters in brackets are optional",
    );
    expect(actions).toMatch(/products\.create +--name --description --price --stock \[--sku\]\n/);
    expect(actions).not.toContain("$$strict");
    const some = await repl.type("actions users.*", "Parameters in brackets are optional");
    expect(some).not.toContain("orders.place");
    await repl.type("events", "user.registered", "order.placed", "inventory.updated");
  });

  test("calls actions with plain flags, and orders with JSON", async () => {
    const user = await repl.call(
      'users.register --email ann@example.com --username "Ann Lee" --password "correct horse" --type 1',
    );
    const product = await repl.call(
      'products.create --name Mug --description "" --price 990 --stock 20',
    );
    await repl.type(`call products.get --id ${product}`, "price: 990", "stock: 20");
    const lines = [{ product_id: product, quantity: 3 }];
    await repl.type(
      `call orders.place '${JSON.stringify({ user_id: user, order_products: lines })}'`,
      "price_total: 2970",
    );
    await repl.type(`call products.get --id ${product}`, "stock: 17");
  });

  test("reads tables with the actions of moleculer-db", async () => {
    await repl.type(
      `call orders.db.list --pageSize 5 --sort -created_at --query '{"status":"PLACED"}'`,
      "rows: [",
      "status: 'PLACED'",
      "created_at: ",
      "pageSize: 5",
      "totalPages: 1",
    );
    await repl.type(
      "call orders.db.find --populate user,lines --fields id,status,user,lines --limit 1",
      "username: 'Ann Lee'",
      "quantity: 3",
    );
    const errors = [
      await repl.type(
        "call users.db.find --fields id,password_hash",
        "ERROR: BAD_USER_INPUT: The 'fields' field names “password_hash”",
        "}\n",
      ),
      await repl.type(
        "call orders.db.list --sort -nothing --pageSize 5",
        "ERROR: BAD_USER_INPUT: The 'sort' field names “-nothing”",
        "}\n",
      ),
      await repl.type(`call orders.db.list --query '{"status": PLACED}'`, "ERROR: This is no JSON"),
      await repl.type("call orders.db.list --query PLACED", "ERROR: BAD_USER_INPUT: ", "}\n"),
    ];
    for (const error of errors) expect(error).not.toMatch(/\n\s+at /);
  });

  test("keeps the text of flags that look like numbers", async () => {
    await repl.call(
      "users.register --email 1@example.com --username 007 --password=7240001724 --type 0",
    );
    await repl.type("call users.login --email 1@example.com --password 7240001724", "token: 'ey");
    await repl.type(
      'call products.create --name "1.50" --description true --price 1 --stock 1',
      "name: '1.50'",
      "description: 'true'",
    );
  });

  test("does not parse flags inside the text of another flag", async () => {
    await repl.type(
      'call products.create --description "use --name 5 here" --name 7 --price 1 --stock 1',
      "name: '7'",
      "description: 'use --name 5 here'",
    );
  });

  test("shows code, message and data of an error, without a stack", async () => {
    const unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    const errors = [
      await repl.type(
        `call products.get --id ${unknown}`,
        "ERROR: PRODUCT_NOT_FOUND: There is no such product",
        unknown,
      ),
      await repl.type(
        "call products.create --name x --description x --price -1 --stock many",
        "ERROR: BAD_USER_INPUT: ",
        "field: 'price'",
        "field: 'stock'",
        "}\n",
      ),
      await repl.type(
        "call products.create --nmae Mug --description x --price 1 --stock 1",
        "ERROR: BAD_USER_INPUT: 'name' is required. There is no parameter 'nmae'. ",
        "field: 'nmae'",
        "}\n",
      ),
      await repl.type(
        "call products.create --name '' --description x --price 1 --stock 1",
        "ERROR: BAD_USER_INPUT: 'name' must not be empty.",
        "}\n",
      ),
      await repl.type('call products.get --id "x', "ERROR: A quotation mark is not closed"),
    ];
    for (const error of errors) expect(error).not.toMatch(/\n\s+at /);
  });

  test("names the nearest action once when an action is unknown", async () => {
    const sentence = "SERVICE_NOT_FOUND: There is no action products.gte. Is it products.get?";
    const answer = await repl.type("call products.gte", sentence, "mol $");
    expect(answer.match(/products\.gte/g)).toHaveLength(1);
    expect(answer).not.toContain("WARN");
  });

  test("repeats a call with the parameters of its flags", async () => {
    await repl.type(
      `bench products.page --first 1 --search "it's a \\"mug\\"" --num 3`,
      `with params: { first: 1, search: \`it's a "mug"\` }`,
      "Running x 3 times",
      "3 requests in",
      "0 error\n",
    );
    await repl.type("bench products.pag --num 3", "There is no action products.pag.", "mol $");
    await repl.type("bench products.page --first 1 2 --num 3", "“2” belongs to no flag", "mol $");
  });

  test("ends at exit without stopping the shop", async () => {
    repl.program.type("exit");
    expect(await repl.program.ended()).toBe(0);
    for (const program of running) expect(program.output()).not.toMatch(/ERROR|Good bye/);
  });
});

test("a REPL runs all piped commands in order", async () => {
  const { program } = new Repl(local);
  program.type("call products.create --name Piped --description x --price 1 --stock 1");
  program.type("bench products.list --num 30");
  program.type("call products.list");
  program.type("nodes");
  program.endInput();
  expect(await program.ended()).toBe(0);
  expect(program.output()).toMatch(/Response:[^]*30 requests in[^]*Response:[^]*Piped[^]*Node ID/);
});

test("a REPL reconnects to a restarted shop", async () => {
  const repl = new Repl(local);
  await repl.program.said("mol $");
  running[0]?.signal("SIGTERM");
  expect(await running[0]?.ended()).toBe(0);
  running[0] = startCommand("start", local);
  await eventually("the shop answering", () =>
    graphql(`http://localhost:${port}`, "{ products { id } }"),
  );
  await repl.waitForService("users");
  repl.program.signal("SIGTERM");
  expect(await repl.program.ended()).toBe(0);
});

test("a REPL prints one sentence and exits with 1 when no shop is running", async () => {
  const { program } = new Repl({ DATA_DIR: temporaryFolder() });
  expect(await program.ended()).toBe(1);
  expect(program.output()).toMatch(/^No shop is running on DATA_DIR .*\n$/);
});
