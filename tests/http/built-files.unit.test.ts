import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { encodingOf } from "../../core/network/accepted-encoding.ts";
import { BuiltFiles } from "../../services/api/web/built-files.ts";
import { entryGuardHash, firstFrameHashes } from "../../services/api/web/built-pages.ts";
import { projectDir } from "../../tools/support/processes.ts";

let folder: string;
let files: BuiltFiles;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "console-"));
  mkdirSync(join(folder, "assets"));
  mkdirSync(join(folder, ".vite"));
  writeFileSync(join(folder, "index.html"), "<html>");
  writeFileSync(join(folder, "assets", "index-abc.js"), "plain");
  writeFileSync(join(folder, "assets", "index-abc.js.br"), "brotli");
  writeFileSync(join(folder, "assets", "index-abc.js.gz"), "gzip");
  writeFileSync(join(folder, ".vite", "manifest.json"), "{}");
  files = new BuiltFiles(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each([
  ["br, gzip", "br"],
  ["gzip, deflate, br;q=0", "gzip"],
  ["GZIP;q=0.5", "gzip"],
  ["*", "br"],
  ["*, br;q=0.0", "gzip"],
  ["br;q=0.1, gzip;q=1", "gzip"],
  ["br;q= 0", undefined],
  ["br;q=x, gzip;q=0.001", "gzip"],
  ["gzip;q=0.2, identity;q=0.5", undefined],
  ["identity", undefined],
  [undefined, undefined],
])("Accept-Encoding %s gets %s", (header, encoding) => {
  expect(encodingOf(header, ["br", "gzip"])).toBe(encoding);
});

test("an asset is sent as the build compressed it, with a tag of its own for each encoding", async () => {
  const found = await Promise.all(
    ["br", "gzip", ""].map((accepted) => files.find("assets/index-abc.js", accepted)),
  );
  expect(found.map((file) => file?.content.toString())).toEqual(["brotli", "gzip", "plain"]);
  expect(found.every((file) => file?.isImmutable)).toBe(true);
  expect(new Set(found.map((file) => file?.etag)).size).toBe(3);
});

test("the page itself is not immutable", async () => {
  const file = await files.find("index.html", undefined);
  expect(file?.content.toString()).toBe("<html>");
  expect(file?.isImmutable).toBe(false);
});

test.each([
  "assets/nothing.js",
  "assets/../index.html",
  "assets/index-abc.js.br",
  "assets/",
  ".vite/manifest.json",
  "../package.json",
])("the file %j is not served", async (path) => {
  expect(await files.find(path, "br")).toBeUndefined();
});

test("the policy of the pages permits their inline script and style", () => {
  const hashOf = (...path: string[]) => {
    const content = readFileSync(join(projectDir, "web", ...path));
    return `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
  };
  expect(entryGuardHash).toBe(hashOf("entry-guard.js"));
  for (const name of ["console", "playground"] as const) {
    expect(firstFrameHashes[name]).toBe(hashOf(name, "first-frame.css"));
  }
});

test("a folder that does not exist is a page that is not built", () => {
  expect(new BuiltFiles(join(folder, "nothing")).isBuilt).toBe(false);
});
