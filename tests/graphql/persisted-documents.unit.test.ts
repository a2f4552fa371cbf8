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

/** Returns the result of a lookup, or the error that it throws. */
function resultOf(lookUp: () => unknown): unknown {
  try {
    return lookUp();
  } catch (error) {
    return error;
  }
}

describe("persisted documents without a manifest", () => {
  const none = { file: undefined, only: false };

  test("return a document that was sent without a hash, and undefined for no document", () => {
    const documents = new PersistedDocuments(none);
    expect(documents.textOf({ query: document, extensions: undefined })).toBe(document);
    expect(documents.textOf({ query: undefined, extensions: {} })).toBeUndefined();
  });

  test("return the document of a hash after both were sent together", () => {
    const documents = new PersistedDocuments(none);
    const extensions = byHash(document);
    const lookUp = () => documents.textOf({ query: undefined, extensions });
    expect(resultOf(lookUp)).toEqual(notFound);
    expect(documents.textOf({ query: document, extensions })).toBe(document);
    expect(lookUp()).toBe(document);
  });

  test("reject a document with the hash of another document, and do not store it", () => {
    const documents = new PersistedDocuments(none);
    const extensions = byHash("{ users { id } }");
    const error = resultOf(() => documents.textOf({ query: document, extensions }));
    expect(error).toMatchObject({ extensions: { code: "BAD_REQUEST" } });
    expect(resultOf(() => documents.textOf({ query: undefined, extensions }))).toEqual(notFound);
  });

  test.each([
    {},
    [],
    "x",
    { version: 2, sha256Hash: hashOf("a") },
    { version: 1, sha256Hash: "a" },
  ])("reject %j as a hash", (persistedQuery) => {
    const documents = new PersistedDocuments(none);
    const lookUp = () => documents.textOf({ query: document, extensions: { persistedQuery } });
    expect(resultOf(lookUp)).toMatchObject({ extensions: { code: "BAD_REQUEST" } });
  });

  test("keep the most recently used documents, up to 4,000,000 characters", () => {
    const documents = new PersistedDocuments(none);
    const textOf = (n: number) =>
      `{ product(id: "${n}") { id } }`.padEnd(20_000 - hashOf("").length);
    const send = (n: number) => {
      documents.textOf({ query: textOf(n), extensions: byHash(textOf(n)) });
    };
    const isRemembered = (n: number) =>
      resultOf(() => documents.textOf({ query: undefined, extensions: byHash(textOf(n)) })) ===
      textOf(n);
    for (let n = 0; n < 200; n += 1) send(n);
    expect(isRemembered(0)).toBe(true);
    send(200);
    expect([0, 1, 2, 200].map(isRemembered)).toEqual([true, false, true, true]);
  });

  test("keep thousands of short documents", () => {
    const documents = new PersistedDocuments(none);
    const textOf = (n: number) => `{ product(id: "${n}") { id } }`;
    for (let n = 0; n < 2_000; n += 1) {
      documents.textOf({ query: textOf(n), extensions: byHash(textOf(n)) });
    }
    expect(documents.textOf({ query: undefined, extensions: byHash(textOf(0)) })).toBe(textOf(0));
  });
});

describe("persisted documents with only the manifest allowed", () => {
  const file = manifest(JSON.stringify({ [hashOf(document)]: document }));
  const documents = new PersistedDocuments({ file, only: true });

  test("return a document of the manifest by its hash or by its text", () => {
    const extensions = byHash(document);
    expect(documents.textOf({ query: undefined, extensions })).toBe(document);
    expect(documents.textOf({ query: document, extensions })).toBe(document);
    expect(documents.textOf({ query: document, extensions: undefined })).toBe(document);
  });

  test("reject other documents, and do not store them", () => {
    const query = "{ users { id } }";
    for (const extensions of [undefined, byHash(query)]) {
      expect(resultOf(() => documents.textOf({ query, extensions }))).toMatchObject({
        extensions: { code: "PERSISTED_QUERY_NOT_FOUND" },
      });
    }
    const lookUp = () => documents.textOf({ query: undefined, extensions: byHash(query) });
    expect(resultOf(lookUp)).toEqual(notFound);
  });
});

describe("a manifest of persisted documents", () => {
  test("may have the format of Apollo's tools", () => {
    const operations = [{ id: "x", name: "Products", type: "query", body: document }];
    const file = manifest(
      JSON.stringify({ format: "apollo-persisted-query-manifest", operations }),
    );
    const documents = new PersistedDocuments({ file, only: true });
    expect(documents.textOf({ query: undefined, extensions: byHash(document) })).toBe(document);
  });

  test("may have a byte order mark, in UTF-8 or UTF-16", () => {
    const text = `\uFEFF${JSON.stringify({ [hashOf(document)]: document })}`;
    for (const content of [Buffer.from(text), Buffer.from(text, "utf16le")]) {
      const documents = new PersistedDocuments({ file: manifest(content), only: true });
      expect(documents.textOf({ query: document, extensions: undefined })).toBe(document);
    }
  });

  test.each([
    "",
    "[",
    `{ "a": 1 }`,
    `{ "operations": [null] }`,
    "{}",
    "[]",
    `{ "operations": [] }`,
    "null",
    "1",
    `"{ products { id } }"`,
  ])("is rejected with the content %j", (content) => {
    const file = manifest(content);
    expect(() => new PersistedDocuments({ file, only: false })).toThrow(ConfigError);
  });
});
