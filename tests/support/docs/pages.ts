import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fromMarkdown } from "mdast-util-from-markdown";

/** A text of a page, and its line. */
export interface Text {
  line: number;
  text: string;
}

/** A fault of a page. */
export interface Fault {
  line: number;
  /** One sentence. */
  reason: string;
}

/** The HTML comments directly before a code block, which say how the tests run it. */
interface Marks {
  /** Why the block is not run. */
  notRun?: string;
  /** Who sends the document. */
  as?: "admin" | "customer";
  /** The variables of the document, as JSON. */
  variables?: string;
  /** The block is the answer of the last block that was run. */
  isAnswer?: true;
  /** The file that the block is written to. */
  file?: string;
}

export interface CodeBlock {
  /** The line of its fence. */
  line: number;
  language: string;
  code: string;
  marks: Marks;
}

/** A page of the documentation. */
export interface Page {
  /** From the root of the repository. */
  path: string;
  text: string;
  /** The anchors that GitHub gives to the headings. */
  anchors: Set<string>;
  /** The targets of links and images. */
  links: Text[];
  /** The code in the text, without the blocks. */
  codeSpans: Text[];
  blocks: CodeBlock[];
  /** What is wrong with blocks and marks. */
  faults: Fault[];
}

type Root = ReturnType<typeof fromMarkdown>;
type Node = Root | Root["children"][number];

/** The languages of blocks. The tests run `sh`, `graphql`, `js` and `ts`. */
const languages = "sh graphql js ts json text yaml ini mermaid diff sql".split(" ");
const ignoredFolders = ["node_modules", "data", "coverage", ".git"];

/** Returns the paths of all files and folders of a project, from its root. */
export function pathsOf(project: string, folder = ""): string[] {
  const entries = readdirSync(join(project, folder), { withFileTypes: true });
  return entries
    .filter(({ name }) => !ignoredFolders.includes(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? [path, ...pathsOf(project, path)] : [path];
    });
}

/** Reads the pages of a project: all Markdown files. */
export function readPages(project: string): Page[] {
  const paths = pathsOf(project).filter((path) => path.endsWith(".md"));
  return paths.sort().map((path) => parsePage(path, readFileSync(join(project, path), "utf8")));
}

export function parsePage(path: string, text: string): Page {
  const page: Page = {
    path,
    text,
    anchors: new Set(),
    links: [],
    codeSpans: [],
    blocks: [],
    faults: [],
  };
  visit(page, fromMarkdown(text));
  return page;
}

/** Returns true for a block that the tests run. */
export function isRun({ language, marks }: CodeBlock): boolean {
  return marks.notRun === undefined && ["sh", "graphql", "js", "ts"].includes(language);
}

/** Returns the faults as lines: path, line and reason. */
export function faultLines(page: Page, faults: readonly Fault[]): string[] {
  return faults.map(({ line, reason }) => `${page.path}:${line}: ${reason}`);
}

function visit(page: Page, node: Node): void {
  const line = lineOf(node);
  if (node.type === "heading") addAnchor(page.anchors, textOf(node));
  if (node.type === "inlineCode") page.codeSpans.push({ line, text: node.value });
  if (node.type === "link" || node.type === "image" || node.type === "definition") {
    page.links.push({ line, text: node.url });
  }
  if (node.type === "html") {
    const targets = node.value.matchAll(/\b(?:href|src|srcset)="([^"]+)"/g);
    page.links.push(...[...targets].map(([, text = ""]) => ({ line, text })));
  }
  if (!("children" in node)) return;
  let comments: Text[] = [];
  for (const child of node.children) {
    const found = child.type === "html" ? commentsIn(child.value, lineOf(child)) : [];
    if (found.length > 0) {
      comments.push(...found);
      continue;
    }
    if (child.type === "code") {
      const before = page.blocks.at(-1);
      const block = {
        line: lineOf(child),
        language: child.lang ?? "",
        code: child.value,
        marks: marksOf(page, comments),
      };
      page.blocks.push(block);
      checkBlock(page, block, before);
    } else {
      reportMisplaced(page, comments);
      visit(page, child);
    }
    comments = [];
  }
  reportMisplaced(page, comments);
}

/** Returns the comments of an HTML node, which has one in each line. */
function commentsIn(html: string, line: number): Text[] {
  return html.split("\n").flatMap((text, index) => {
    const comment = /^<!--\s*(.*?)\s*-->$/.exec(text.trim())?.[1];
    return comment === undefined ? [] : [{ line: line + index, text: comment }];
  });
}

function lineOf(node: Node): number {
  return node.position?.start.line ?? 0;
}

function textOf(node: Node): string {
  if ("value" in node) return node.type === "html" ? "" : node.value;
  return "children" in node ? node.children.map(textOf).join("") : "";
}

/** GitHub's rule: lower case, dashes for spaces, no punctuation, and a number for a repetition. */
function addAnchor(anchors: Set<string>, heading: string): void {
  const slug = heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
  let anchor = slug;
  for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
  anchors.add(anchor);
}

function checkBlock(page: Page, block: CodeBlock, before: CodeBlock | undefined): void {
  const { line, language, code, marks } = block;
  if (language === "") page.faults.push({ line, reason: "The block has no language." });
  else if (!languages.includes(language)) {
    const reason = `The language "${language}" is none of ${languages.join(", ")}.`;
    page.faults.push({ line, reason });
  }
  const looksLikeAnswer = language === "json" && /^\{\s*"(data|errors)"/.test(code);
  if (looksLikeAnswer && marks.isAnswer !== true && before !== undefined && isRun(before)) {
    page.faults.push({ line, reason: 'The answer of the block before has no mark "answer".' });
  }
}

/** A mark is `name` or `name: value`. */
const markPattern = /^(not run|as|variables|answer|file)\b:?\s*(.*)$/s;

function marksOf(page: Page, comments: readonly Text[]): Marks {
  const marks: Marks = {};
  for (const { line, text } of comments) {
    const [, name = "", value = ""] = markPattern.exec(text) ?? [];
    const reason = addMark(marks, name, value) ?? undefined;
    if (reason === "unknown") {
      page.faults.push({ line, reason: `The mark "${text}" is unknown.` });
    } else if (reason !== undefined) page.faults.push({ line, reason });
  }
  return marks;
}

/** Adds a mark. Returns what is wrong with it. */
function addMark(marks: Marks, name: string, value: string): string | undefined {
  switch (name) {
    case "not run":
      marks.notRun = value;
      return value === "" ? 'The mark "not run" has no reason.' : undefined;
    case "as":
      if (value !== "admin" && value !== "customer") {
        return `The mark "as" names "${value}", not admin or customer.`;
      }
      marks.as = value;
      return undefined;
    case "variables":
      marks.variables = value;
      return undefined;
    case "answer":
      marks.isAnswer = true;
      return undefined;
    case "file":
      marks.file = value;
      return /^[\w.-]+$/.test(value) ? undefined : `"${value}" is no name of a file.`;
    default:
      return "unknown";
  }
}

/** Reports marks that stand before no block, and so have no effect. */
function reportMisplaced(page: Page, comments: readonly Text[]): void {
  for (const { line, text } of comments.filter(({ text }) => markPattern.test(text))) {
    page.faults.push({ line, reason: `The mark "${text}" stands before no code block.` });
  }
}
