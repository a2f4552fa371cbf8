import { accessSync, constants } from "node:fs";
import { TextFileError, readTextFile } from "../core/text-file.ts";

/** All that is wrong with the settings, a line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads variables of an environment and gathers what is wrong with them. */
export class ConfigReader {
  readonly #env: NodeJS.ProcessEnv;
  readonly #faults: string[] = [];

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** Notes that a variable is wrong: its name, what is wrong, and an example that is right. */
  fault(name: string, problem: string, example: string): void {
    const shown = example.includes("=") ? example : `${name}=${example}`;
    const fault = `${name} ${problem}; for example ${shown}`;
    if (!this.#faults.includes(fault)) this.#faults.push(fault);
  }

  /** Throws the gathered faults, if there are any. */
  throwFaults(): void {
    if (this.#faults.length > 0) throw new ConfigError(this.#faults.join("\n"));
  }

  /** A text; unset and empty are the same. `NAME_FILE` may name a file that holds it: a secret, say. */
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
      const why = error instanceof TextFileError ? error.message : "cannot be read";
      this.fault(name, `names a file that ${why}: "${path}"`, "/run/secrets/orders-db-url");
    }
    return undefined;
  }

  int(name: string, min: number, max: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    this.fault(
      name,
      `must be a whole number from ${min} to ${max}, not "${value}"`,
      String(Math.max(min, Math.min(max, 100))),
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
    const found = allowed.find((one) => one === value);
    if (found === undefined) {
      this.fault(name, `must be one of ${allowed.join(", ")}, not "${value}"`, String(allowed[0]));
    }
    return found;
  }

  /** A comma-separated list; all that is allowed where it is not set. */
  list<const Value extends string>(name: string, allowed: readonly Value[]): Value[] {
    const value = this.text(name);
    if (value === undefined) return [...allowed];
    const asked = value.split(",").map((part) => part.trim());
    const unknown = asked.filter((part) => !allowed.some((one) => one === part));
    if (unknown.length > 0) {
      this.fault(
        name,
        `must list some of ${allowed.join(", ")}, not "${unknown.join(", ")}"`,
        allowed.slice(0, 2).join(","),
      );
    }
    return allowed.filter((one) => asked.includes(one));
  }

  /** A comma-separated list of what `isRight` takes; empty where it is not set. */
  items(
    name: string,
    isRight: (item: string) => boolean,
    wanted: string,
    example: string,
  ): string[] {
    const items = (this.text(name) ?? "").split(",").map((part) => part.trim());
    const given = items.filter((item) => item !== "");
    const wrong = given.filter((item) => !isRight(item));
    if (wrong.length > 0) {
      this.fault(name, `must list ${wanted}, not "${wrong.join(", ")}"`, example);
    }
    return given;
  }

  match(name: string, pattern: RegExp, wanted: string, fallback: string): string {
    const value = this.text(name);
    if (value === undefined) return fallback;
    if (!pattern.test(value))
      this.fault(name, `must consist of ${wanted}, not "${value}"`, fallback);
    return value;
  }

  url(name: string, protocols: string[], example: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined) this.parseUrl(name, value, protocols, example);
    return value;
  }

  /** Parses a URL; its text stays out of the fault, since it may hold a password. */
  parseUrl(name: string, value: string, protocols: string[], example: string): URL | undefined {
    const url = URL.parse(value);
    if (url !== null && protocols.some((one) => url.href.startsWith(`${one}//`))) return url;
    this.fault(name, `must be a URL that begins with ${protocols.join("// or ")}//`, example);
    return undefined;
  }

  /** A path of a file that can be read. */
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
