import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import {
  cleanUp,
  freePort,
  postgresPids,
  postmasterPid,
  projectDir,
  startCommand,
  startProgram,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";
import { pidsOf } from "../../tools/support/run-folder.ts";

let dataDir: string;

beforeAll(() => {
  dataDir = join(temporaryFolder(), "data");
});
afterAll(cleanUp);

const settings = (env: Record<string, string> = {}) => ({ DATA_DIR: dataDir, PORT: "0", ...env });

/** Starts a script through npm. The pid is that of npm. */
function npmRun(script: string, env: Record<string, string>): Program {
  return startProgram("npm", ["--prefix", projectDir, "run", script], { env });
}

/** Returns the address that the shop prints. */
const urlOf = (shop: Program) => /GraphQL +(http\S+)\/graphql/.exec(shop.output())?.[1] ?? "";

const isReady = (url: string) =>
  fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

test("Ctrl-C during the start ends the shop and its PostgreSQL", async () => {
  const shop = startCommand("start", settings());
  // The first signal arrives during initdb, the second one while PostgreSQL starts.
  await eventually("initdb being at work", () =>
    existsSync(join(dataDir, "postgres.initdb", "postgres")),
  );
  shop.signal("SIGINT");
  expect(await shop.ended()).toBe(0);
  expect(shop.output()).not.toContain("open");
  expect(postgresPids(dataDir)).toEqual([]);

  const second = startCommand("start", settings());
  await eventually("PostgreSQL starting", () => postgresPids(dataDir).length > 0);
  second.signal("SIGTERM");
  expect(await second.ended()).toBe(0);
  expect(second.output()).not.toContain("open");
  expect(postgresPids(dataDir)).toEqual([]);
});

test("a signal ends a program whose databases do not open", async () => {
  const module = join(projectDir, "commands", "process", "program.ts");
  const script = `
    const { closeWhenOpen, stopOnSignals } = await import(process.argv[1]);
    const forever = new Promise((resolve) => setInterval(() => undefined, 1_000));
    stopOnSignals(() => closeWhenOpen(forever, () => process.stdout.write("closed")));
    process.stdout.write("opening");`;
  const program = startProgram(process.execPath, ["--input-type=module", "-e", script, module]);
  await program.said("opening");
  program.signal("SIGTERM");
  expect(await program.ended()).toBe(0);
  expect(program.output()).toBe("opening");
});

test("SIGQUIT, which a terminal sends at Ctrl-\\, ends the shop and its PostgreSQL", async () => {
  const shop = startCommand("start", settings());
  await shop.said("Ctrl-C stops it.");
  shop.signal("SIGQUIT");
  expect(await shop.ended()).toBe(0);
  expect(postgresPids(dataDir)).toEqual([]);
});

test.each(["SIGHUP", "SIGTERM", "SIGKILL"] as const)(
  "%s to npm ends the shop and its PostgreSQL",
  async (signal) => {
    const host = { SIGHUP: "::1", SIGTERM: "0.0.0.0", SIGKILL: "::" }[signal];
    const tmp = temporaryFolder();
    const shop = npmRun("start", settings({ HOST: host, TMPDIR: tmp }));
    await shop.said("Ctrl-C stops it.");
    const url = urlOf(shop);
    expect(url).toMatch(
      signal === "SIGHUP" ? /^http:\/\/\[::1\]:\d\d+$/ : /^http:\/\/localhost:\d\d+$/,
    );
    expect(await isReady(url)).toBe(true);
    shop.signal(signal);
    // The shop ends after its PostgreSQL: until then, its data is taken.
    await eventually("the end of the shop", () => pidsOf(tmp).length === 0);
    expect(await isReady(url)).toBe(false);
    expect(postgresPids(dataDir)).toEqual([]);
  },
);

test("SIGHUP to npm ends the shop even while its process starts", async () => {
  const tmp = temporaryFolder();
  const npm = npmRun("start", settings({ TMPDIR: tmp }));
  await eventually("npm starting a process", () => pidsOf(tmp).some((pid) => pid !== npm.pid));
  npm.signal("SIGHUP");
  await npm.ended();
  await eventually("the end of the shop", () => pidsOf(tmp).length === 0);
  expect(postgresPids(dataDir)).toEqual([]);
});

test("a shop whose npm ended before the shop read its parent ends", async () => {
  // No process has this id.
  const shop = startCommand("start", settings({ NPM_PID: "99999999" }));
  expect(await shop.ended()).toBe(0);
  expect(postgresPids(dataDir)).toEqual([]);
});

test("the shop keeps running when its output pipe is closed", async () => {
  const shop = startCommand("start", settings());
  await shop.said("Ctrl-C stops it.");
  shop.hangUp();
  // The restart of PostgreSQL writes log lines to the closed pipe.
  const killed = postmasterPid(dataDir);
  process.kill(killed, "SIGKILL");
  await eventually("the restart of PostgreSQL", () => postmasterPid(dataDir) !== killed);
  await eventually("the shop being ready", () => isReady(urlOf(shop)));
  shop.signal("SIGINT");
  expect(await shop.ended()).toBe(0);
});

test("the start fails when two ports are equal", async () => {
  const port = String(await freePort());
  for (const [command, env, names] of [
    ["start", { PORT: port, METRICS_PORT: port }, "PORT and METRICS_PORT"],
    ["start", { PORT: port, HEALTH_PORT: port }, "PORT and HEALTH_PORT"],
    ["serve", { PORT: "0", METRICS_PORT: port, HEALTH_PORT: port }, "METRICS_PORT and HEALTH_PORT"],
  ] as const) {
    const cluster = { SERVICES: "api", TRANSPORTER: "nats://127.0.0.1:1" };
    const program = startCommand(command, {
      ...settings(),
      ...(command === "serve" && cluster),
      ...env,
    });
    expect(await program.ended()).toBe(1);
    expect(program.output()).toMatch(
      new RegExp(`^${names} must be different ports, not both ${port}; for example \\w+=\\d+\n$`),
    );
  }
});
