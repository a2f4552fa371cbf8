import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectDir } from "../../../tools/support/processes.ts";

/** A code block of a page: a whole file, or a change of one. */
type Block = { path: string; text: string } | { path: string; before: string; after: string };

/** Returns the code blocks of a section of docs/extending.md that name a path. */
export function recipe(heading: string): Block[] {
  const page = readFileSync(join(projectDir, "docs", "extending.md"), "utf8");
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/extending.md has no section "${heading}"`);
  const blocks = [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
  return blocks.flatMap(([, language, code = ""]) => blockOf(language, code) ?? []);
}

function blockOf(language: string | undefined, code: string): Block | undefined {
  const [first = "", ...lines] = code.split("\n").slice(0, -1);
  const path = /^(?:\/\/|--|---) (\S+\/\S+)$/.exec(first)?.[1];
  if (path === undefined) return undefined;
  if (language !== "diff") return { path, text: `${lines.join("\n")}\n` };
  const side = (mark: "-" | "+") =>
    lines
      .filter((line) => line.startsWith(mark) || line.startsWith(" "))
      .map((line) => line.slice(1));
  return { path, before: side("-").join("\n"), after: side("+").join("\n") };
}

/** Applies blocks to a copy of the project. Throws if the text that a block changes is not there. */
export function apply(project: string, blocks: readonly Block[]): void {
  for (const block of blocks) {
    const file = join(project, block.path);
    if ("text" in block) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, block.text);
      continue;
    }
    const text = readFileSync(file, "utf8");
    const places = text.split(`${block.before}\n`).length - 1;
    if (places !== 1) {
      throw new Error(`${block.path} has the text of a recipe ${places} times:\n${block.before}`);
    }
    writeFileSync(
      file,
      text.replace(`${block.before}\n`, () => `${block.after}\n`),
    );
  }
}
