/** A CPU profile of V8 (`Profiler.Profile` of the Chrome DevTools protocol), without unused fields. */
export interface CpuProfile {
  /** The call tree. */
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string };
    children?: number[];
  }[];
  /** The function on top of the stack at each sample, by the id of its node. */
  samples: number[];
  /** The microseconds before each sample. */
  timeDeltas: number[];
}

/** V8's names for time without JavaScript. Garbage is collected for all functions alike. */
const withoutFunction = ["(idle)", "(garbage collector)"];

/**
 * Returns the share of the CPU time of the main thread that functions of some files take themselves,
 * without the functions that they call. Functions of Node and V8 count for the file that calls them.
 *
 * @param isCounted whether a file counts, by its URL
 */
export function shareOfFiles(profile: CpuProfile, isCounted: (url: string) => boolean): number {
  const fileOf = filesOf(profile);
  const timed = new Set(
    profile.nodes
      .filter(({ callFrame }) => !withoutFunction.includes(callFrame.functionName))
      .map(({ id }) => id),
  );
  let total = 0;
  let counted = 0;
  for (const [index, id] of profile.samples.entries()) {
    if (!timed.has(id)) continue;
    const microseconds = profile.timeDeltas[index] ?? 0;
    total += microseconds;
    if (isCounted(fileOf.get(id) ?? "")) counted += microseconds;
  }
  if (total === 0) throw new Error("the profile has no samples");
  return counted / total;
}

/** Returns, for each node, the URL of the nearest function of a file; none for what only Node calls. */
function filesOf({ nodes }: CpuProfile): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const files = new Map<number, string>();
  const callees = new Set(nodes.flatMap(({ children = [] }) => children));
  const open = nodes.filter(({ id }) => !callees.has(id)).map((node) => ({ node, caller: "" }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, caller } = next;
    const { url } = node.callFrame;
    const file = url === "" || url.startsWith("node:") ? caller : url;
    files.set(node.id, file);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) open.push({ node: child, caller: file });
    }
  }
  return files;
}
