import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isNode, type Container } from "./containers.ts";
import type { Project } from "./project.ts";
import { inMegabytes, inSeconds, type Report } from "./report.ts";

const readyWithinMs = 3_000;
const idleBytes = 130e6;
/** Of the whole image on the official base, which has some 230 MB. */
const addedBytes = 120e6;
/** What a node's log says when its services work. */
const readyText = "started successfully";

/** How large the image is, and how much of that is ours. */
export async function reportImage(project: Project, folder: string, report: Report): Promise<void> {
  const dockerfile = await readFile(join(folder, "Dockerfile"), "utf8");
  const base = /^FROM (\S+)/m.exec(dockerfile)?.[1] ?? "";
  const sizeOf = async (image: string) =>
    Number(await project.docker("image", "inspect", "--format", "{{.Size}}", image));
  const size = await sizeOf(project.image);
  // A builder that keeps the base to itself leaves us without its size.
  const added = size - (await sizeOf(base).catch(() => 0));
  const isSmall = added < addedBytes || size < 350e6;
  const figures = `${inMegabytes(size)}, of which ${inMegabytes(added)} are ours and the rest is ${base}`;
  report.row("image", isSmall, figures);
}

/** How soon each node was ready, and what it needs when nothing is asked of it. */
export async function reportNodes(project: Project, report: Report): Promise<void> {
  const nodes = (await project.containers()).filter(isNode);
  const startups = await Promise.all(nodes.map((node) => startupMs(project, node)));
  report.row(
    "start of a node",
    startups.every((ms) => ms < readyWithinMs),
    nodes.map(({ service }, index) => `${service} ${inSeconds(startups[index] ?? 0)}`).join(", "),
  );
  const bytes = await Promise.all(nodes.map((node) => residentBytes(project, node)));
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
  if (line === undefined) throw new Error(`the log of ${name} does not say that it is ready`);
  return Date.parse(line.split(" ")[0] ?? "") - startedAtMs;
}

async function residentBytes(project: Project, { id }: Container): Promise<number> {
  const status = await project.docker("exec", id, "cat", "/proc/1/status");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024;
}

async function memoryUsage(project: Project, { id }: Container): Promise<string> {
  const usage = await project.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", id);
  return usage.split("/")[0]?.trim() ?? "";
}
