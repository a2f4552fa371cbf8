import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { eventually } from "../../../tools/support/eventually.ts";
import { find, prometheus, PrerequisiteError } from "../../../tools/support/prerequisites.ts";
import {
  freePort,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../../tools/support/processes.ts";

/** A node to scrape: its service, and host and port of its metrics. */
export interface Target {
  app: string;
  address: string;
}

interface Result<Data> {
  status: "success" | "error";
  error?: string;
  data: Data;
}

const folder = join(projectDir, "deploy", "observe");
/** The shortest range of a query: it must have several scrapes, also on a busy machine. */
const shortestRangeSeconds = 10;
const scrapeInterval = "2s";
const secondsOf: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A Prometheus with the rules of the shop, in which a minute of the rules takes a second. */
export class PrometheusServer {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  static async start(targets: readonly Target[]): Promise<PrometheusServer> {
    const dataDir = temporaryFolder();
    const port = await freePort();
    const rules = readFileSync(join(folder, "alerts.yml"), "utf8");
    writeFileSync(join(dataDir, "alerts.yml"), shortened(rules));
    writeFileSync(join(dataDir, "prometheus.yml"), configFor(targets));
    const server = startProgram(programPath(), [
      `--config.file=${join(dataDir, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(dataDir, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    await server.said("Server is ready");
    return new PrometheusServer(`http://127.0.0.1:${port}`);
  }

  /** Returns the values of an instant query. Throws if the query is invalid. */
  async query(query: string): Promise<number[]> {
    const { result } = await this.#get<{ result: { value: [number, string] }[] }>("query", {
      query,
    });
    return result.map(({ value: [, text] }) => Number(text));
  }

  /** Waits until all these alerts fire. */
  async fires(...names: string[]): Promise<void> {
    const missing = new Set(names);
    await eventually(
      `the alerts ${names.join(", ")}`,
      async () => {
        const { alerts } = await this.#get<{
          alerts: { state: string; labels: { alertname: string } }[];
        }>("alerts");
        for (const { state, labels } of alerts) {
          if (state === "firing") missing.delete(labels.alertname);
        }
        if (missing.size > 0) throw new Error(`${[...missing].join(", ")} did not fire`);
        return true;
      },
      { everyMs: 500 },
    );
  }

  async #get<Data>(path: string, parameters: Record<string, string> = {}): Promise<Data> {
    const query = new URLSearchParams(parameters).toString();
    const response = await fetch(`${this.#url}/api/v1/${path}?${query}`);
    const { status, error, data } = (await response.json()) as Result<Data>;
    if (status === "error") throw new Error(`${parameters.query ?? path}: ${error ?? ""}`);
    return data;
  }
}

/** Runs promtool, which throws with its output if it finds a fault. */
export function promtool(...args: string[]): string {
  return execFileSync(join(dirname(programPath()), "promtool"), args, {
    cwd: projectDir,
    encoding: "utf8",
  });
}

function programPath(): string {
  const path = find(prometheus);
  if (path === undefined) throw new PrerequisiteError(prometheus.help);
  return path;
}

/** The configuration of the project, with fixed targets instead of those of Docker's DNS. */
function configFor(targets: readonly Target[]): string {
  const { rule_files } = parse(readFileSync(join(folder, "prometheus.yml"), "utf8")) as {
    rule_files: string[];
  };
  return stringify({
    global: { scrape_interval: scrapeInterval, scrape_timeout: scrapeInterval },
    rule_files,
    scrape_configs: [
      {
        job_name: "shop",
        static_configs: targets.map(({ app, address }) => ({
          targets: [address],
          labels: { app },
        })),
      },
    ],
  });
}

/** Divides the ranges, the `for` and the intervals of the rules by 60. */
function shortened(rules: string): string {
  const sixtieth = (count: string, unit: string) => (Number(count) * (secondsOf[unit] ?? 0)) / 60;
  return rules
    .replace(/\[(\d+)([smhd])\]/g, (_range, count: string, unit: string) => {
      return `[${Math.max(shortestRangeSeconds, sixtieth(count, unit))}s]`;
    })
    .replace(
      /(for|interval): (\d+)([smhd])$/gm,
      (_line, key: string, count: string, unit: string) => {
        return `${key}: ${Math.max(1, sixtieth(count, unit))}s`;
      },
    );
}
