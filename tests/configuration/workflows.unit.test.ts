import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { projectDir } from "../../tools/support/processes.ts";

const folder = join(projectDir, ".github", "workflows");
const workflows = readdirSync(folder).map((name) => ({
  name,
  content: readFileSync(join(folder, name), "utf8"),
}));

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<
    string,
    { permissions?: Record<string, string>; uses?: string; steps?: { uses?: string }[] }
  >;
}

/** Write permissions beyond those of the whole workflow, by job. */
const allowedWrites: Record<string, string[]> = {
  "image.yml image": ["packages"],
  "release.yml image": ["packages"],
  "release.yml release": ["contents"],
};

/** Returns the messages of GitHub's own parser. */
function faultsOf(content: string): string[] {
  const program = join(projectDir, "tests", "support", "workflow-faults.ts");
  const output = execFileSync(process.execPath, [program], { input: content, encoding: "utf8" });
  return JSON.parse(output) as string[];
}

test("the parser reports an unknown key and an unknown context", () => {
  const steps = "steps: [{ run: echo, shel: bash }, { run: 'echo ${{ nothing.x }}' }]";
  const content = `on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    ${steps}\n`;
  expect(faultsOf(content)).toEqual([
    expect.stringContaining("Unexpected value 'shel'"),
    expect.stringContaining("nothing"),
  ]);
});

describe.each(workflows)("the workflow $name", (file) => {
  const { permissions, jobs } = parse(file.content) as Workflow;

  test("is valid", () => {
    expect(faultsOf(file.content)).toEqual([]);
  });

  test("can read the repository only, apart from the jobs that publish", () => {
    expect(permissions).toEqual({ contents: "read" });
    for (const [job, { permissions: own = {} }] of Object.entries(jobs)) {
      const writes = Object.keys(own).filter((name) => own[name] !== "read");
      expect({ job, writes }).toEqual({ job, writes: allowedWrites[`${file.name} ${job}`] ?? [] });
    }
  });

  test("pins each action by its major version", () => {
    const uses = Object.values(jobs).flatMap(({ uses, steps = [] }) => [
      ...(uses === undefined ? [] : [uses]),
      ...steps.flatMap((step) => step.uses ?? []),
    ]);
    for (const action of uses) expect(action).toMatch(/^(\.\/\.github\/|[\w-]+\/[\w-]+@v\d+$)/);
  });

  test("runs scripts that package.json has", () => {
    const { scripts } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const names = [...file.content.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(names));
  });
});
