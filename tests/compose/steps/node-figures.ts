import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isNode, type Container } from "../containers/containers.ts";
import type { Project } from "../containers/project.ts";
import { inMegabytes, inSeconds, type Report } from "../report.ts";

/** A start takes at most this time, or on a slow machine this many times as long as `importMs`. */
const readyWithinMs = 3_000;
const startPerImport = 8;
const idleBytes = 130e6;
/** A node releases what it has used in its first idle moment, which other programs may delay. */
const idleWithinMs = 60_000;
/** The maximum size of the shop's layers above the base image. */
const addedBytes = 120e6;
/** The log line of a node whose services have started. */
const readyText = "started successfully";

/** Reports the size of the image and of the shop's own layers. */
export async function reportImage(project: Project, folder: string, report: Report): Promise<void> {
  const dockerfile = await readFile(join(folder, "Dockerfile"), "utf8");
  const base = /^FROM (\S+)/m.exec(dockerfile)?.[1] ?? "";
  const sizeOf = async (image: string) =>
    Number(await project.docker("image", "inspect", "--format", "{{.Size}}", image));
  const size = await sizeOf(project.image);
  // Some builders do not store the base image, so that its size is unknown.
  const added = size - (await sizeOf(base).catch(() => 0));
  const isSmall = added < addedBytes || size < 350e6;
  const figures = `${inMegabytes(size)}, ${inMegabytes(added)} of it on top of ${base}`;
  report.row("image", isSmall, figures);
}

/** Reports the startup time and the idle memory of each node. */
export async function reportNodes(project: Project, report: Report): Promise<void> {
  const nodes = (await project.containers()).filter(isNode);
  const startups = await Promise.all(nodes.map((node) => startupMs(project, node)));
  const baselineMs = Math.min(...(await Promise.all(nodes.map((node) => importMs(project, node)))));
  const maxMs = Math.max(readyWithinMs, startPerImport * baselineMs);
  const figures = nodes.map(
    ({ service }, index) => `${service} ${inSeconds(startups[index] ?? 0)}`,
  );
  report.row(
    "start of a node",
    startups.every((ms) => ms < maxMs),
    `${figures.join(", ")}; import of the packages ${inSeconds(baselineMs)}`,
  );
  const readBytes = () => Promise.all(nodes.map((node) => residentBytes(project, node)));
  const deadline = performance.now() + idleWithinMs;
  let bytes = await readBytes();
  while (!bytes.every((rss) => rss < idleBytes) && performance.now() < deadline) {
    await sleep(1_000);
    bytes = await readBytes();
  }
  const stats = await Promise.all(nodes.map((node) => memoryUsage(project, node)));
  report.row(
    "idle memory of a node",
    bytes.every((rss) => rss < idleBytes),
    nodes
      .map(({ service }, index) => {
        const rss = inMegabytes(bytes[index] ?? 0);
        return `${service} ${rss} resident (docker stats: ${stats[index] ?? ""})`;
      })
      .join(", "),
  );
}

async function startupMs(project: Project, { id, name, startedAtMs }: Container): Promise<number> {
  const log = await project.docker("logs", "--timestamps", id);
  const line = log.split("\n").find((text) => text.includes(readyText));
  if (line === undefined) throw new Error(`the log of ${name} does not contain "${readyText}"`);
  return Date.parse(line.split(" ")[0] ?? "") - startedAtMs;
}

/** Measures in a node how long the import of the largest packages takes. */
async function importMs(project: Project, { id }: Container): Promise<number> {
  const program = `
    const startMs = performance.now();
    await Promise.all(["moleculer", "sequelize", "pg", "nats"].map((name) => import(name)));
    console.log(performance.now() - startMs);
    process.exit();`;
  const args = ["exec", id, "node", "--input-type=module", "--eval", program];
  return Number(await project.docker(...args));
}

async function residentBytes(project: Project, { id }: Container): Promise<number> {
  const status = await project.docker("exec", id, "cat", "/proc/1/status");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024;
}

async function memoryUsage(project: Project, { id }: Container): Promise<string> {
  const usage = await project.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", id);
  return usage.split("/")[0]?.trim() ?? "";
}
