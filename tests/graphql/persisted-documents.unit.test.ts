import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { ConfigError } from "../../config/config-reader.ts";
import { PersistedDocuments } from "../../services/api/graphql/persisted-documents.ts";

const folder = mkdtempSync(join(tmpdir(), "shop-documents-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function manifest(content: string | Buffer): string {
  const file = join(folder, `${createHash("sha1").update(content).digest("hex")}.json`);
  writeFileSync(file, content);
  return file;
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");
const byHash = (text: string, version: unknown = 1) => ({
  persistedQuery: { version, sha256Hash: hashOf(text) },
});

const document = "{ products { id } }";
const notFound = expect.objectContaining({
  message: "PersistedQueryNotFound",
  extensions: { code: "PERSISTED_QUERY_NOT_FOUND" },
});

/** What looking a document up throws. */
function refusal(look: () => unknown): unknown {
  try {
    return look();
  } catch (error) {
    return error;
  }
}

describe("where everything may run", () => {
  const none = { file: undefined, only: false };

  test("a document is what was sent, and nothing is nothing", () => {
    const documents = new PersistedDocuments(none);
    expect(documents.textOf({ query: document, extensions: undefined })).toBe(document);
    expect(documents.textOf({ query: undefined, extensions: {} })).toBeUndefined();
  });

  test("a hash is known once its document came along", () => {
    const documents = new PersistedDocuments(none);
    const extensions = byHash(document);
    const look = () => documents.textOf({ query: undefined, extensions });
    expect(refusal(look)).toEqual(notFound);
    expect(documents.textOf({ query: document, extensions })).toBe(document);
    expect(look()).toBe(document);
  });

  test("a document under another's hash is refused, and not kept", () => {
    const documents = new PersistedDocuments(none);
    const extensions = byHash("{ users { id } }");
    const wrong = refusal(() => documents.textOf({ query: document, extensions }));
    expect(wrong).toMatchObject({ extensions: { code: "BAD_REQUEST" } });
    expect(refusal(() => documents.textOf({ query: undefined, extensions }))).toEqual(notFound);
  });

  test.each([
    {},
    [],
    "x",
    { version: 2, sha256Hash: hashOf("a") },
    { version: 1, sha256Hash: "a" },
  ])("%j is no hash", (persistedQuery) => {
    const documents = new PersistedDocuments(none);
    const look = () => documents.textOf({ query: document, extensions: { persistedQuery } });
    expect(refusal(look)).toMatchObject({ extensions: { code: "BAD_REQUEST" } });
  });

  test("documents of 4,000,000 characters in all are remembered, the last used ones", () => {
    const documents = new PersistedDocuments(none);
    const textOf = (n: number) =>
      `{ product(id: "${n}") { id } }`.padEnd(20_000 - hashOf("").length);
    const send = (n: number) => {
      documents.textOf({ query: textOf(n), extensions: byHash(textOf(n)) });
    };
    const isRemembered = (n: number) =>
      refusal(() => documents.textOf({ query: undefined, extensions: byHash(textOf(n)) })) ===
      textOf(n);
    for (let n = 0; n < 200; n += 1) send(n);
    expect(isRemembered(0)).toBe(true);
    send(200);
    expect([0, 1, 2, 200].map(isRemembered)).toEqual([true, false, true, true]);
  });

  test("many short documents are remembered", () => {
    const documents = new PersistedDocuments(none);
    const textOf = (n: number) => `{ product(id: "${n}") { id } }`;
    for (let n = 0; n < 2_000; n += 1) {
      documents.textOf({ query: textOf(n), extensions: byHash(textOf(n)) });
    }
    expect(documents.textOf({ query: undefined, extensions: byHash(textOf(0)) })).toBe(textOf(0));
  });
});

describe("where only the manifest's documents run", () => {
  const file = manifest(JSON.stringify({ [hashOf(document)]: document }));
  const documents = new PersistedDocuments({ file, only: true });

  test("they do, by their hash or as they are", () => {
    const extensions = byHash(document);
    expect(documents.textOf({ query: undefined, extensions })).toBe(document);
    expect(documents.textOf({ query: document, extensions })).toBe(document);
    expect(documents.textOf({ query: document, extensions: undefined })).toBe(document);
  });

  test("no other does, and none can be added", () => {
    const query = "{ users { id } }";
    for (const extensions of [undefined, byHash(query)]) {
      expect(refusal(() => documents.textOf({ query, extensions }))).toMatchObject({
        extensions: { code: "PERSISTED_QUERY_NOT_FOUND" },
      });
    }
    const look = () => documents.textOf({ query: undefined, extensions: byHash(query) });
    expect(refusal(look)).toEqual(notFound);
  });
});

describe("a manifest", () => {
  test("may be one that Apollo's tools have written", () => {
    const operations = [{ id: "x", name: "Products", type: "query", body: document }];
    const file = manifest(
      JSON.stringify({ format: "apollo-persisted-query-manifest", operations }),
    );
    const documents = new PersistedDocuments({ file, only: true });
    expect(documents.textOf({ query: undefined, extensions: byHash(document) })).toBe(document);
  });

  test("may be one that an editor has written, with a byte order mark", () => {
    const text = `\uFEFF${JSON.stringify({ [hashOf(document)]: document })}`;
    for (const content of [Buffer.from(text), Buffer.from(text, "utf16le")]) {
      const documents = new PersistedDocuments({ file: manifest(content), only: true });
      expect(documents.textOf({ query: document, extensions: undefined })).toBe(document);
    }
  });

  test.each(["", "[", `{ "a": 1 }`, `{ "operations": [null] }`])("may not be %j", (content) => {
    const file = manifest(content);
    expect(() => new PersistedDocuments({ file, only: false })).toThrow(ConfigError);
  });
});
