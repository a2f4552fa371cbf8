import { accessSync, constants, statSync } from "node:fs";
import { TextFileError, readTextFile } from "../core/text-file.ts";
import {
  exampleOf,
  settingOf,
  settings,
  type Defaulted,
  type NameOf,
  type ValuesOf,
} from "./settings.ts";
import type {
  ChoiceSetting,
  FlagSetting,
  IntegerSetting,
  SelectionSetting,
  TextSetting,
  UrlSetting,
} from "./settings/setting.ts";

/** All faults of the settings, one per line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads the settings of an environment as `settings.ts` declares them, and collects their faults. */
export class ConfigReader {
  readonly #env: NodeJS.ProcessEnv;
  readonly #faults: string[] = [];
  readonly #faulty = new Set<string>();
  /** The files that the values of settings were read from. */
  readonly #files = new Map<string, string>();

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** Records a fault: the setting's name, the problem and a correct example. */
  fault(name: string, problem: string, example = exampleOf(name)): void {
    const shown = example.includes("=") ? example : `${name}=${example}`;
    const file = this.#files.get(name);
    const source = file === undefined ? "" : ` (read from "${file}", which ${name}_FILE names)`;
    const fault = `${name} ${problem}${source}; for example ${shown}`;
    if (!this.#faults.includes(fault)) this.#faults.push(fault);
    this.#faulty.add(name);
  }

  /** Records the fault of two settings of which only one is set. */
  mustBeSetTogether(...names: [string, string]): void {
    const example = names.map((name) => `${name}=${exampleOf(name)}`).join(" ");
    this.fault(names.join(" and "), "must be set together", example);
  }

  hasFault(name: string): boolean {
    return this.#faulty.has(name);
  }

  /** Throws ConfigError if there are faults. */
  throwFaults(): void {
    if (this.#faults.length > 0) throw new ConfigError(this.#faults.join("\n"));
  }

  /** Returns true if a setting is set, valid or not. */
  isSet(name: keyof typeof settings): boolean {
    return this.#value(name) !== undefined;
  }

  /** Reads a variable, or the content of the file that `NAME_FILE` names. Empty counts as not set. */
  #value(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    if (value !== undefined && value !== "") return value;
    const path = this.#env[`${name}_FILE`]?.trim();
    if (path === undefined || path === "") return undefined;
    const content = this.#contentOf(name, path);
    if (content !== undefined) this.#files.set(name, path);
    return content;
  }

  #contentOf(name: string, path: string): string | undefined {
    const example = `/run/secrets/${name.toLowerCase().replaceAll("_", "-")}`;
    try {
      const content = readTextFile(path).trim();
      if (content !== "") return content;
      this.fault(`${name}_FILE`, `names an empty file: "${shortened(path)}"`, example);
    } catch (error) {
      if (!(error instanceof TextFileError)) throw error;
      this.fault(
        `${name}_FILE`,
        `names a file that ${error.message}: "${shortened(path)}"`,
        example,
      );
    }
    return undefined;
  }

  /**
   * Records the fault of a value, or of a part of it, which the message shows after `link`. The message
   * never shows a file's content: it may be a secret.
   */
  invalid(name: string, problem: string, link: string, value: string): void {
    const isFromFile = this.#files.has(name);
    this.fault(name, isFromFile ? problem : `${problem}${link} "${shortened(value)}"`);
  }

  text<Name extends NameOf<"text">>(name: Name): Defaulted<Name, string> {
    const setting: TextSetting = settings[name];
    const value = this.#value(name);
    if (value !== undefined) this.#checkText(name, value, setting);
    return (value ?? setting.default) as Defaulted<Name, string>;
  }

  /** The message contains the value only if there is a pattern: other texts may be secrets. */
  #checkText(name: string, value: string, setting: TextSetting): void {
    const { pattern, requirement = "", minLength = 0, maxLength = Infinity } = setting;
    if (pattern?.test(value) === false) this.invalid(name, `must ${requirement}`, ", not", value);
    if (value.length >= minLength && value.length <= maxLength) return;
    const length =
      maxLength === Infinity ? `at least ${minLength}` : `${minLength} to ${maxLength}`;
    this.fault(name, `must have ${length} characters`);
  }

  integer<Name extends NameOf<"integer">>(name: Name): Defaulted<Name, number> {
    const { min, max, ...setting }: IntegerSetting = settings[name];
    const value = this.#value(name);
    const number = value === undefined ? setting.default : Number(value);
    const isValid = number === undefined || (number >= min && number <= max);
    if (value !== undefined && !(/^\d+$/.test(value) && isValid)) {
      this.invalid(name, `must be a whole number from ${min} to ${max}`, ", not", value);
    }
    return number as Defaulted<Name, number>;
  }

  flag<Name extends NameOf<"flag">>(name: Name): Defaulted<Name, boolean> {
    const setting: FlagSetting = settings[name];
    const value = this.#oneOf(name, ["true", "false"], (text) => text.toLowerCase());
    return (value === undefined ? setting.default : value === "true") as Defaulted<Name, boolean>;
  }

  choice<Name extends NameOf<"choice">>(name: Name): Defaulted<Name, ValuesOf<Name>> {
    const { values, ...setting }: ChoiceSetting = settings[name];
    return (this.#oneOf(name, values) ?? setting.default) as Defaulted<Name, ValuesOf<Name>>;
  }

  #oneOf(
    name: string,
    allowed: readonly string[],
    normalized = (text: string) => text,
  ): string | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (allowed.includes(normalized(value))) return normalized(value);
    this.invalid(name, `must be one of ${allowed.join(", ")}`, ", not", value);
    return undefined;
  }

  /** Returns the selected values in the order of their declaration; all if the variable is not set. */
  selection<Name extends NameOf<"selection">>(name: Name): ValuesOf<Name>[] {
    const { values }: SelectionSetting = settings[name];
    const items = this.#items(name) ?? values;
    const unknown = items.filter((item) => !values.includes(item));
    if (unknown.length > 0) {
      this.invalid(name, `must list some of ${values.join(", ")}`, ", not", unknown.join(", "));
    }
    return values.filter((value) => items.includes(value)) as ValuesOf<Name>[];
  }

  /** Returns the items of a list; none if it is not set. */
  list(name: NameOf<"list">, isValid: (item: string) => boolean): string[] {
    const items = (this.#items(name) ?? []).filter((item) => item !== "");
    const invalid = items.filter((item) => !isValid(item));
    if (invalid.length > 0) {
      this.invalid(name, `must list ${settings[name].items}`, ", not", invalid.join(", "));
    }
    return items;
  }

  #items(name: string): readonly string[] | undefined {
    return this.#value(name)
      ?.split(",")
      .map((item) => item.trim());
  }

  /** Reads a URL that `settingOf` declares. */
  url(name: string): string | undefined {
    const value = this.#value(name);
    if (value !== undefined) this.#parsedUrl(name, value);
    return value;
  }

  /** Reads a comma-separated list of URLs; an invalid URL is undefined. */
  urls(name: NameOf<"URL">): (URL | undefined)[] | undefined {
    return this.#items(name)?.map((item) => this.#parsedUrl(name, item));
  }

  /** Parses a URL. The fault does not contain the URL, which may contain a password. */
  #parsedUrl(name: string, value: string): URL | undefined {
    const { protocols } = settingOf(name) as UrlSetting;
    const url = URL.parse(value);
    if (url !== null && protocols.some((protocol) => url.href.startsWith(`${protocol}//`)))
      return url;
    const beginning = protocols.join("// or ");
    this.fault(
      name,
      `must be a valid URL, with a port up to 65535, that begins with ${beginning}//`,
    );
    return undefined;
  }

  /** Reads the path of a readable file. */
  file(name: NameOf<"file">): string | undefined {
    const path = this.#value(name);
    if (path === undefined) return undefined;
    try {
      accessSync(path, constants.R_OK);
      if (statSync(path).isDirectory()) this.invalid(name, "names a folder", ":", path);
    } catch {
      this.invalid(name, "names a file that cannot be read", ":", path);
    }
    return path;
  }
}

/** The message is one line, whatever was set by mistake. */
function shortened(value: string): string {
  const line = value.replace(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}
