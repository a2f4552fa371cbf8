import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { encodingOf, type Encoding } from "../../../core/network/accepted-encoding.ts";

/** A file of a page, in the encoding that the browser accepts. */
export interface BuiltFile {
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
  ".ttf": "font/ttf",
};
const endings: readonly [Encoding, string][] = [
  ["br", ".br"],
  ["gzip", ".gz"],
];

/** The files of a page, which `npm run build:web` writes. Each file is read once. */
export class BuiltFiles {
  readonly #folder: string;
  /** Paths below the folder. Only these are read, whatever path a request has. */
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

  /** Returns a file by its path, or undefined for an unknown path. */
  async find(name: string, acceptEncoding: string | undefined): Promise<BuiltFile | undefined> {
    const contentType = contentTypes[extname(name)];
    if (contentType === undefined || !this.#names.has(name)) return undefined;
    const available = endings.filter(([, ending]) => this.#names.has(name + ending));
    const encoding = encodingOf(
      acceptEncoding,
      available.map(([offered]) => offered),
    );
    const ending = available.find(([offered]) => offered === encoding)?.[1] ?? "";
    const read = await this.#read(name + ending);
    return { ...read, contentType, encoding, isImmutable: name.startsWith("assets/") };
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
