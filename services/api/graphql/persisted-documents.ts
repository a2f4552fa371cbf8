import { apiErrors } from "../api.errors.ts";
import { createHash } from "node:crypto";
import type { GraphQLError } from "graphql";
import { LRUCache } from "lru-cache";
import { ConfigError } from "../../../config/config-reader.ts";
import type { EdgeConfig } from "../../../config/edge-config.ts";
import { TextFileError, readTextFile } from "../../../core/text-file.ts";
import { codedError } from "./graphql-errors.ts";

/** The text of a document, its hash as Apollo Client sends it, or both. */
interface SentDocument {
  query: string | undefined;
  extensions: Readonly<Record<string, unknown>> | undefined;
}

/** Characters of all cached documents. */
const maxCachedCharacters = 4_000_000;
/** Longer documents are not cached. Clients send a few thousand characters at most. */
const maxDocumentLength = 20_000;

/**
 * Finds documents by their SHA-256: the documents of the operator's manifest and, unless only these
 * may run, documents that clients have sent before (Apollo's automatic persisted queries).
 */
export class PersistedDocuments {
  readonly #listed: ReadonlyMap<string, string>;
  readonly #onlyListed: boolean;
  readonly #cached = new LRUCache<string, string>({
    maxSize: maxCachedCharacters,
    sizeCalculation: (text, hash) => text.length + hash.length,
  });

  /** Throws a ConfigError for an invalid manifest. */
  constructor({ file, only }: EdgeConfig["persistedDocuments"]) {
    this.#listed = file === undefined ? new Map<string, string>() : readManifest(file);
    this.#onlyListed = only;
  }

  /**
   * Returns the text of the document of a request; undefined if it has neither text nor hash.
   * Throws GraphQLErrors: PERSISTED_QUERY_NOT_FOUND, BAD_REQUEST.
   */
  textOf({ query, extensions }: SentDocument): string | undefined {
    const hash = hashIn(extensions);
    if (hash === undefined) return query === undefined ? undefined : this.#allowed(query);
    if (query === undefined) return this.#find(hash);
    if (sha256(query) !== hash) throw badRequest("The sha256Hash does not match the document.");
    if (query.length <= maxDocumentLength && !this.#onlyListed) this.#cached.set(hash, query);
    return this.#allowed(query);
  }

  #find(hash: string): string {
    const text = this.#listed.get(hash) ?? this.#cached.get(hash);
    // Apollo Client recognizes this message and sends the text with its next request.
    if (text === undefined)
      throw codedError("PersistedQueryNotFound", apiErrors.PERSISTED_QUERY_NOT_FOUND);
    return text;
  }

  #allowed(query: string): string {
    if (!this.#onlyListed || this.#listed.has(sha256(query))) return query;
    const message = "This document is not in the manifest. Send the hash of a persisted document.";
    throw codedError(message, apiErrors.PERSISTED_QUERY_NOT_FOUND);
  }
}

function hashIn(extensions: SentDocument["extensions"]): string | undefined {
  const persisted = extensions?.persistedQuery;
  if (persisted === undefined || persisted === null) return undefined;
  const { version, sha256Hash } = persisted as { version?: unknown; sha256Hash?: unknown };
  if (version !== 1 || typeof sha256Hash !== "string" || !/^[0-9a-f]{64}$/.test(sha256Hash)) {
    throw badRequest("persistedQuery needs version 1 and a sha256Hash of 64 hexadecimal digits.");
  }
  return sha256Hash;
}

/** Reads `{ "<hash>": "<document>" }`, or the manifest that Apollo's tools write. */
function readManifest(file: string): Map<string, string> {
  const texts = textsIn(file);
  return new Map(texts.map((text) => [sha256(text), text]));
}

function textsIn(file: string): string[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(readTextFile(file));
  } catch (cause) {
    const reason = cause instanceof TextFileError ? cause.message : "is not JSON";
    throw new ConfigError(`PERSISTED_DOCUMENTS names a file that ${reason}: "${file}"`, { cause });
  }
  const texts = bodiesIn(manifest);
  if (texts.length === 0 || texts.some((text) => typeof text !== "string")) {
    throw new ConfigError(`PERSISTED_DOCUMENTS is not a file of documents: "${file}"`);
  }
  return texts as string[];
}

function bodiesIn(manifest: unknown): unknown[] {
  if (typeof manifest !== "object" || manifest === null) return [];
  const { operations } = manifest as { operations?: unknown };
  if (!Array.isArray(operations)) return Object.values(manifest);
  return operations.map((operation: { body?: unknown } | null) => operation?.body);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function badRequest(message: string): GraphQLError {
  return codedError(message, apiErrors.BAD_REQUEST);
}
