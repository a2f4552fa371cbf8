import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { processTable } from "../../support/process-table/process-table.ts";
import { freePort } from "../../support/processes.ts";

/** A running Vendure: one server and one worker, as its guide recommends. */
export interface Vendure {
  port: number;
  version: string;
  /** Resident memory of server and worker, in MB. */
  rssMb(): number;
  stop(): Promise<void>;
}

interface VendureOptions {
  /** The version or tag of `@vendure/core` in the npm registry. */
  version: string;
  databaseUrl: string;
  productCount: number;
  show: (step: string) => void;
}

const program = join(import.meta.dirname, "vendure-program.ts");
const keptCharacters = 5_000;

/** Installs Vendure into a temporary folder, fills its database with the catalogue, and starts it. */
export async function startVendure(options: VendureOptions): Promise<Vendure> {
  const { version, databaseUrl, productCount, show } = options;
  const folder = mkdtempSync(join(tmpdir(), "vendure-"));
  show("installing Vendure");
  await install(folder, version);
  const catalogue = join(folder, "catalogue.csv");
  writeFileSync(catalogue, catalogueOf(productCount));
  const port = await freePort();
  const settings = {
    NODE_ENV: "production",
    VENDURE_DISABLE_TELEMETRY: "true",
    VENDURE_PORT: String(port),
    VENDURE_DATABASE_URL: databaseUrl,
    VENDURE_CATALOGUE: catalogue,
  };
  show("filling Vendure");
  await endOf(startProgram("populate", folder, settings));
  show("starting Vendure");
  const children = [
    await ready(startProgram("server", folder, settings)),
    await ready(startProgram("worker", folder, settings)),
  ];
  return {
    port,
    version: installedVersion(folder),
    rssMb: () => children.reduce((sum, { pid }) => sum + processTable.rssMbOf(pid ?? 0), 0),
    async stop() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill("SIGKILL");
        await once(child, "exit");
      }
    },
  };
}

async function install(folder: string, version: string): Promise<void> {
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const packages = [`@vendure/core@${version}`, `@vendure/harden-plugin@${version}`, "pg"];
  const child = spawn("npm", ["install", "--no-audit", "--no-fund", ...packages], {
    cwd: folder,
    env: {
      // npm runs with the Node that it was installed with, not with the one of this project.
      PATH: (process.env.PATH ?? "")
        .split(delimiter)
        .filter((path) => !path.endsWith("node_modules/.bin"))
        .join(delimiter),
      HOME: process.env.HOME,
      TMPDIR: tmpdir(),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  await endOf({ child, output: collectOutput(child) });
}

interface Started {
  child: ChildProcess;
  output: () => string;
}

function startProgram(mode: string, folder: string, env: Record<string, string>): Started {
  const child = fork(program, [mode, folder], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: tmpdir(), ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  return { child, output: collectOutput(child) };
}

/** Waits until the process says that it is ready. */
async function ready({ child, output }: Started): Promise<ChildProcess> {
  const ended = new AbortController();
  child.once("exit", () => {
    ended.abort();
  });
  await once(child, "message", { signal: ended.signal }).catch(() => {
    throw new Error(`Vendure did not start:\n${output()}`);
  });
  return child;
}

/** Waits for the end. Throws an error with the output unless the status is 0. */
async function endOf({ child, output }: Started): Promise<void> {
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) {
    throw new Error(`${child.spawnargs.join(" ")} ended with status ${status}:\n${output()}`);
  }
}

/** Keeps the end of the output of a process. */
function collectOutput(child: ChildProcess): () => string {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-keptCharacters);
    });
  }
  return () => output;
}

function installedVersion(folder: string): string {
  const manifest = readFileSync(join(folder, "node_modules/@vendure/core/package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The products of `stockShop` in Vendure's format for imports. Prices are in major units. */
function catalogueOf(count: number): string {
  const head =
    "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets";
  const rows = Array.from(
    { length: count },
    (_, n) => `Mug ${n},mug-${n},"A mug, number ${n}",,,,,MUG-${n},0.05,standard,100000000,true,,`,
  );
  return `${[head, ...rows].join("\n")}\n`;
}
