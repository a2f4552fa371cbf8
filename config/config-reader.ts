import { accessSync, constants } from "node:fs";
import { TextFileError, readTextFile } from "../core/text-file.ts";

/** All faults of the settings, one per line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads variables of an environment and collects their faults. */
export class ConfigReader {
  readonly #env: NodeJS.ProcessEnv;
  readonly #faults: string[] = [];

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** Records a fault: the variable's name, the problem and a correct example. */
  fault(name: string, problem: string, example: string): void {
    const shown = example.includes("=") ? example : `${name}=${example}`;
    const fault = `${name} ${problem}; for example ${shown}`;
    if (!this.#faults.includes(fault)) this.#faults.push(fault);
  }

  /** Throws ConfigError if there are faults. */
  throwFaults(): void {
    if (this.#faults.length > 0) throw new ConfigError(this.#faults.join("\n"));
  }

  /** Reads a text, or the content of the file that `NAME_FILE` names. Empty counts as not set. */
  text(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    if (value !== undefined && value !== "") return value;
    const path = this.#env[`${name}_FILE`]?.trim();
    return path === undefined || path === "" ? undefined : this.#contentOf(`${name}_FILE`, path);
  }

  #contentOf(name: string, path: string): string | undefined {
    try {
      const content = readTextFile(path).trim();
      if (content !== "") return content;
      this.fault(name, `names an empty file: "${path}"`, "/run/secrets/orders-db-url");
    } catch (error) {
      const reason = error instanceof TextFileError ? error.message : "cannot be read";
      this.fault(name, `names a file that ${reason}: "${path}"`, "/run/secrets/orders-db-url");
    }
    return undefined;
  }

  /** Reads a whole number. The fault's example is `example`, if there is one. */
  int(name: string, min: number, max: number, example?: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    this.fault(
      name,
      `must be a whole number from ${min} to ${max}, not "${value}"`,
      String(example ?? Math.max(min, Math.min(max, 100))),
    );
    return undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.oneOf(name, ["true", "false"]);
    return value === undefined ? undefined : value === "true";
  }

  oneOf<const Value extends string>(name: string, allowed: readonly Value[]): Value | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = allowed.find((option) => option === value);
    if (found === undefined) {
      this.fault(name, `must be one of ${allowed.join(", ")}, not "${value}"`, String(allowed[0]));
    }
    return found;
  }

  /** Reads a comma-separated list. Returns all allowed values if the variable is not set. */
  list<const Value extends string>(name: string, allowed: readonly Value[]): Value[] {
    const value = this.text(name);
    if (value === undefined) return [...allowed];
    const listed = value.split(",").map((part) => part.trim());
    const unknown = listed.filter((part) => !allowed.some((option) => option === part));
    if (unknown.length > 0) {
      this.fault(
        name,
        `must list some of ${allowed.join(", ")}, not "${unknown.join(", ")}"`,
        allowed.slice(0, 2).join(","),
      );
    }
    return allowed.filter((option) => listed.includes(option));
  }

  /** Reads a comma-separated list of valid items. Returns an empty list if it is not set. */
  items(
    name: string,
    isValid: (item: string) => boolean,
    expected: string,
    example: string,
  ): string[] {
    const parts = (this.text(name) ?? "").split(",").map((part) => part.trim());
    const items = parts.filter((part) => part !== "");
    const invalid = items.filter((item) => !isValid(item));
    if (invalid.length > 0) {
      this.fault(name, `must list ${expected}, not "${invalid.join(", ")}"`, example);
    }
    return items;
  }

  match(name: string, pattern: RegExp, expected: string, fallback: string): string {
    const value = this.text(name);
    if (value === undefined) return fallback;
    if (!pattern.test(value))
      this.fault(name, `must consist of ${expected}, not "${value}"`, fallback);
    return value;
  }

  url(name: string, protocols: string[], example: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined) this.parseUrl(name, value, protocols, example);
    return value;
  }

  /** Parses a URL. The fault does not contain the URL, which may contain a password. */
  parseUrl(name: string, value: string, protocols: string[], example: string): URL | undefined {
    const url = URL.parse(value);
    if (url !== null && protocols.some((name) => url.href.startsWith(`${name}//`))) return url;
    this.fault(name, `must be a URL that begins with ${protocols.join("// or ")}//`, example);
    return undefined;
  }

  /** Reads the path of a readable file. */
  file(name: string): string | undefined {
    const path = this.text(name);
    if (path === undefined) return undefined;
    try {
      accessSync(path, constants.R_OK);
    } catch {
      this.fault(name, `names a file that cannot be read: "${path}"`, "/etc/shop/ca.pem");
    }
    return path;
  }
}
