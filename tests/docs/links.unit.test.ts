import { describe, expect, test } from "@jest/globals";
import { projectDir } from "../../tools/support/processes.ts";
import { deadLinks } from "../support/docs/links.ts";
import { parsePage, pathsOf, readPages } from "../support/docs/pages.ts";

const paths = pathsOf(projectDir);
const pages = new Map(readPages(projectDir).map((page) => [page.path, page]));

test.each([...pages.keys()])("the links and paths of %s exist", (path) => {
  const page = pages.get(path);
  expect(page && deadLinks(page, pages, paths)).toEqual([]);
});

describe("of a page", () => {
  const repository = ["docs", "docs/a.md", "docs/b.md", "core", "core/access.ts", "README.md"];

  /** Returns the faults of docs/a.md with this text. */
  function faultsOf(text: string): string[] {
    const page = parsePage("docs/a.md", text);
    const other = parsePage(
      "docs/b.md",
      "# Orders\n\n## `placeOrder`, step by step\n\n## Orders\n",
    );
    const both = new Map([page, other].map((each) => [each.path, each]));
    return deadLinks(page, both, repository);
  }

  test("links to files, folders, headings and other sites are accepted", () => {
    const links =
      "[1](b.md) [2](../core) [3](b.md#placeorder-step-by-step) [4](b.md#orders-1) [5](#here) [6](https://a.example/#x)";
    expect(faultsOf(`# Here\n\n${links}\n\n[7]: ../README.md\n`)).toEqual([]);
  });

  test("a dead anchor is reported with its page and line", () => {
    expect(faultsOf("# Here\n\nSee [orders](b.md#order).\n")).toEqual([
      "docs/a.md:3: The link to b.md#order names no heading of docs/b.md.",
    ]);
  });

  test("a link to a missing file is reported, also in an image", () => {
    expect(faultsOf('[c](c.md)\n\n<img src="images/c.png">\n')).toEqual([
      "docs/a.md:1: The link to c.md names no file.",
      "docs/a.md:3: The link to images/c.png names no file.",
    ]);
  });

  test("a missing path in a code span is reported, and other code is not", () => {
    expect(faultsOf("`core/access.ts` `*.md` `core/<name>.ts` `application/json` `a.b`\n")).toEqual(
      [],
    );
    expect(faultsOf("`core/rules.ts`, `rules.ts`\n")).toEqual([
      "docs/a.md:1: The path core/rules.ts does not exist.",
      "docs/a.md:1: The path rules.ts does not exist.",
    ]);
  });
});
