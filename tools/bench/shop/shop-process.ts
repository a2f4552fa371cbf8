import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { postgresFolder } from "../../../embedded/data-dir.ts";
import { postgresUrl } from "../../../embedded/postgres-databases.ts";
import { eventually } from "../../support/eventually.ts";
import { processTable } from "../../support/process-table/process-table.ts";
import { freePort, projectDir } from "../../support/processes.ts";

/** The end of a shop's output, which is shown if the shop ends by itself. */
const keptCharacters = 10_000;

/** The whole shop in one process, as `npm start` runs it. */
export interface ShopProcess {
  port: number;
  /** From the start of the process until `/health/ready` answered 200. */
  readyMs: number;
  /** The URL of a database on the shop's PostgreSQL. */
  databaseUrl(name: string): string;
  /** Resident memory of the Node process, in MB. */
  rssMb(): number;
  stop(): Promise<void>;
}

/** Starts the shop on a data directory and waits until it is ready. */
export async function startShopProcess(
  dataDir: string,
  env: Record<string, string> = {},
  nodeOptions: readonly string[] = [],
): Promise<ShopProcess> {
  const port = await freePort();
  const startMs = performance.now();
  const npmStart = readNpmStart();
  const child = spawn(
    process.execPath,
    [...npmStart.options, ...nodeOptions, join(projectDir, npmStart.file)],
    {
      cwd: dataDir,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        HOME: dataDir,
        DATA_DIR: dataDir,
        PORT: String(port),
        ...npmStart.env,
        // All load comes from one address.
        RATE_LIMIT_PER_SECOND: "0",
        TOKEN_TTL_SECONDS: "86400",
        ...env,
      },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-keptCharacters);
    });
  }
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
  await eventually(
    "the shop being ready",
    async () => child.exitCode !== null || child.signalCode !== null || (await isReady()),
    { everyMs: 20 },
  );
  if (child.exitCode !== null || child.signalCode !== null) {
    throw new Error(`the shop did not start:\n${output}`);
  }
  let isStopping = false;
  child.once("exit", () => {
    if (!isStopping) process.stderr.write(`A shop of the benchmark has ended:\n${output}\n`);
  });
  return {
    port,
    readyMs: performance.now() - startMs,
    databaseUrl: (name) => postgresUrl(postgresFolder(dataDir), name),
    rssMb: () => processTable.rssMbOf(child.pid ?? 0),
    async stop() {
      isStopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

/** Reads the last command of `npm start`: `… && VARIABLE=value … exec node --option … file`. */
function readNpmStart(): { env: Record<string, string>; options: string[]; file: string } {
  const text = readFileSync(join(projectDir, "package.json"), "utf8");
  const { start } = (JSON.parse(text) as { scripts: { start: string } }).scripts;
  const words = start.slice(start.lastIndexOf("&& ") + 3).split(" ");
  const node = words.indexOf("node");
  const file = words.at(-1);
  if (node < 0 || file === undefined)
    throw new Error("the start script of package.json does not run node");
  return {
    env: Object.fromEntries(
      words
        .slice(0, words.indexOf("exec"))
        .map((word) => word.split("=") as [string, string])
        // Only npm's shell knows npm's process id.
        .filter(([name]) => name !== "NPM_PID"),
    ),
    options: words.slice(node + 1, -1),
    file,
  };
}
