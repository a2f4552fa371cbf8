import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { encodingOf, type Encoding } from "./accepted-encoding.ts";

/**
 * Allows only the console's own files. The hash permits the inline style with which react-aria's
 * dialogs lock scrolling in Safari on phones.
 */
export const consolePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'sha256-gYiS/BvZvRcK27JIXTuwhZ3hs2+VJ1X+2gUlE+farlg='",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A file of the console, in the encoding that the browser accepts. */
export interface ConsoleFile {
  content: Buffer;
  contentType: string;
  encoding: Encoding | undefined;
  /** Strong: it differs between the encodings. */
  etag: string;
  /** The name has a hash of the content, so the content never changes. */
  isImmutable: boolean;
}

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const endings: readonly [Encoding, string][] = [
  ["br", ".br"],
  ["gzip", ".gz"],
];

/** The built console, which `npm run build:web` writes. Each file is read once. */
export class ConsoleFiles {
  readonly #folder: string;
  /** Paths below the folder. Only these are read, whatever a request asks for. */
  readonly #names: ReadonlySet<string>;
  readonly #contents = new Map<string, Promise<{ content: Buffer; etag: string }>>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#names = namesIn(folder);
  }

  /** False before the first build. */
  get isBuilt(): boolean {
    return this.#names.has("index.html");
  }

  /**
   * Returns the file at a path below `/console/`. Any path that is no asset is a page of the
   * console: the browser has its routes. Returns undefined for an unknown asset.
   */
  async find(path: string, acceptEncoding: string | undefined): Promise<ConsoleFile | undefined> {
    const isAsset = path.startsWith("assets/");
    const name = isAsset ? path : "index.html";
    const contentType = contentTypes[extname(name)];
    if (contentType === undefined || !this.#names.has(name)) return undefined;
    const available = endings.filter(([, ending]) => this.#names.has(name + ending));
    const encoding = encodingOf(
      acceptEncoding,
      available.map(([offered]) => offered),
    );
    const ending = available.find(([offered]) => offered === encoding)?.[1] ?? "";
    const read = await this.#read(name + ending);
    return { ...read, contentType, encoding, isImmutable: isAsset };
  }

  async #read(name: string): Promise<{ content: Buffer; etag: string }> {
    let reading = this.#contents.get(name);
    if (reading === undefined) {
      reading = readFile(join(this.#folder, name)).then((content) => ({
        content,
        etag: `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`,
      }));
      this.#contents.set(name, reading);
      // The next request reads again.
      reading.catch(() => this.#contents.delete(name));
    }
    return await reading;
  }
}

function namesIn(folder: string): ReadonlySet<string> {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return new Set(names.map((name) => name.replaceAll(sep, "/")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return new Set();
  }
}
