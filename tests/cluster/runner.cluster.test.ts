import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import { anyNatsServer } from "../../tools/support/nats-server.ts";
import {
  cleanUp,
  copyOfProject,
  freePort,
  projectDir,
  startProgram,
  type Program,
} from "../../tools/support/processes.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

const page = readFileSync(join(projectDir, "docs", "deployment.md"), "utf8");
/** The command that docs/deployment.md shows. */
const [command = ""] = /^npx moleculer-runner .*$/m.exec(page) ?? [];

let databases: TestDatabases;
/** No `.env` file lies in it, and a test may edit it. */
let project: string;
let settings: Record<string, string>;
let urls: Record<"USERS_DB_URL" | "PRODUCTS_DB_URL" | "ORDERS_DB_URL" | "WEBHOOKS_DB_URL", string>;

beforeAll(async () => {
  databases = await cloneDatabases();
  project = copyOfProject();
  settings = {
    TRANSPORTER: await anyNatsServer(),
    NAMESPACE: `test-${process.pid}-${Date.now()}`,
    HOST: "127.0.0.1",
    // The runner would replace the broker's metrics by this.
    METRICS: "true",
  };
  urls = {
    USERS_DB_URL: databases.urls.users,
    PRODUCTS_DB_URL: databases.urls.products,
    ORDERS_DB_URL: databases.urls.orders,
    WEBHOOKS_DB_URL: databases.urls.webhooks,
  };
});
afterAll(async () => {
  await cleanUp();
  await databases.drop();
});

function run(env: Record<string, string>, line = command): Program {
  return startProgram("sh", ["-c", `exec ${line}`], { env, cwd: project });
}

/** The program itself: npx passes SIGINT on to a shell only, and has a status of its own. */
function withoutNpx(line: string): string {
  return line.replace(/^npx /, "node_modules/.bin/");
}

function runAll(env: Record<string, string>): Program {
  return run({ ...settings, ...urls, ...env });
}

describe("the command in docs/deployment.md", () => {
  let program: Program;
  let url: string;
  let healthUrl: string;
  let metricsUrl: string;

  beforeAll(async () => {
    const [port, healthPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
    url = `http://127.0.0.1:${port}`;
    healthUrl = `http://127.0.0.1:${healthPort}/health/ready`;
    metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    program = runAll({
      PORT: String(port),
      HEALTH_PORT: String(healthPort),
      METRICS_PORT: String(metricsPort),
    });
    await program.said("mol $");
  });

  test("starts all services, and says so on HEALTH_PORT", async () => {
    const answer = await fetch(healthUrl);
    expect(await answer.json()).toEqual({ status: "ready", missing: [], readOnly: [] });
    expect(await (await fetch(metricsUrl)).text()).toContain("moleculer_node_type");
    await eventually(
      "the gateway being ready",
      async () => (await fetch(`${url}/health/ready`)).ok,
    );
  });

  test("serves orders by GraphQL, and opens the REPL", async () => {
    const ask = async (query: string, token?: string) => {
      const { data, errors } = await graphql<Record<string, { id: string; token: string }>>(
        url,
        query,
        { token },
      );
      expect(errors).toBeUndefined();
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
    const line = `{ product_id: "${mug?.id ?? ""}", quantity: 2 }`;
    await ask(`mutation { placeOrder(input: { order_products: [${line}] }) { id } }`, login?.token);
    program.type(`call products.get --id ${mug?.id ?? ""}`);
    await eventually("the answer of the REPL", () =>
      stripVTControlCharacters(program.output()).includes("stock: 7"),
    );
  });

  test("ends at SIGTERM, when all is stopped", async () => {
    program.signal("SIGTERM");
    // That is what npx tells of itself.
    expect(await program.ended()).toBe("SIGTERM");
    expect(program.output()).toContain("ServiceBroker is stopped. Good bye.");
    expect(program.output()).not.toMatch(/ERROR|WARN/);
  });
});

describe("a node with one service", () => {
  test.each([
    ["SERVICES names", { SERVICES: "users" }, command],
    [
      "the command line names",
      {},
      "npx moleculer-runner --config moleculer.config.ts services/users/users.service.ts",
    ],
    [
      "moleculer-runner-esm loads",
      {},
      "npx moleculer-runner-esm --config moleculer.config.ts services/users/users.service.ts",
    ],
  ])("that %s needs no other database", async (_title, env, line) => {
    const { USERS_DB_URL } = urls;
    const program = run({ ...settings, ...env, USERS_DB_URL }, line);
    await program.said("ServiceBroker with 2 service(s) started successfully");
    expect(program.output()).toContain("Service 'users' started.");
    program.signal("SIGTERM");
    await program.ended();
    expect(program.output()).toContain("Good bye.");
  });

  test.each(["SIGTERM", "SIGINT"] as const)("ends with status 0 at %s", async (signal) => {
    const { USERS_DB_URL } = urls;
    const program = run({ ...settings, SERVICES: "users", USERS_DB_URL }, withoutNpx(command));
    await program.said("started successfully");
    program.signal(signal);
    expect(await program.ended()).toBe(0);
    expect(program.output()).toContain("Good bye.");
  });

  test("is reloaded with --hot when its file changes", async () => {
    const { USERS_DB_URL } = urls;
    const hot = `${withoutNpx(command)} --hot`;
    const program = run({ ...settings, SERVICES: "users", USERS_DB_URL }, hot);
    await program.said("started successfully");
    const file = join(project, "services/users/user.ts");
    // The first change may come before the files are watched; those in quick succession are one.
    await eventually(
      "the service being reloaded",
      () => {
        writeFileSync(file, readFileSync(file, "utf8"));
        return program.output().includes("reloaded users");
      },
      { everyMs: 1_000 },
    );
    program.signal("SIGTERM");
    expect(await program.ended()).toBe(0);
  });
});

describe("what a developer can mend is reported in a sentence", () => {
  const quiet = { LOG_LEVEL: "fatal" };

  async function refusalOf(env: Record<string, string>): Promise<string> {
    const program = run({ ...quiet, ...env });
    expect(await program.ended()).toBe(1);
    return program.output();
  }

  test("TRANSPORTER", async () => {
    expect(await refusalOf(urls)).toBe(
      "TRANSPORTER is not set; for example TRANSPORTER=nats://localhost:4222\n",
    );
  });

  test("the databases of all services at once", async () => {
    const { ORDERS_DB_URL } = urls;
    expect((await refusalOf({ ...settings, ORDERS_DB_URL })).trim().split("\n").sort()).toEqual([
      expect.stringMatching(/^PRODUCTS_DB_URL is not set; for example \S+$/),
      expect.stringMatching(/^USERS_DB_URL is not set; for example \S+$/),
      expect.stringMatching(/^WEBHOOKS_DB_URL is not set; for example \S+$/),
    ]);
  });

  test("the database of the service that SERVICES names", async () => {
    expect(await refusalOf({ ...settings, SERVICES: "orders" })).toMatch(
      /^ORDERS_DB_URL is not set; for example \S+\n$/,
    );
  });

  test("an option of a service that has no effect, also of one without a contract", async () => {
    const file = join(project, "services/parcels.service.js");
    const schema =
      'actions: { send: { handler: () => "sent", circuitBreaker: { enabled: true } } }';
    writeFileSync(file, `export default { name: "parcels", ${schema} };\n`);
    const line = `npx moleculer-runner --config moleculer.config.ts ${file}`;
    const program = run({ ...quiet, ...settings }, line);
    expect(await program.ended()).toBe(1);
    expect(program.output()).toMatch(
      /^The action parcels.send has the option "circuitBreaker", .*\n$/,
    );
  });

  test("a port that is taken", async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((listening) => other.listen(port, "127.0.0.1", listening));
    try {
      expect(await refusalOf({ ...settings, ...urls, PORT: String(port) })).toMatch(
        new RegExp(`^[^\\n]*\\b${port}\\b[^\\n]*\\n$`),
      );
    } finally {
      other.close();
    }
  });
});
