interface Described {
  /** For operators: meaning, unit, and what happens if the setting is not set. */
  description: string;
  /** A valid value. Required if there is no default; error messages show it, too. */
  example?: string;
  /** The default in words, if it depends on the command or on another setting. */
  defaultInWords?: string;
}

export interface IntegerSetting extends Described {
  type: "integer";
  min: number;
  max: number;
  default?: number;
}

export interface FlagSetting extends Described {
  type: "flag";
  default?: boolean;
}

export interface ChoiceSetting extends Described {
  type: "choice";
  values: readonly string[];
  default?: string;
}

/** A comma-separated selection of values; all by default. */
export interface SelectionSetting extends Described {
  type: "selection";
  values: readonly string[];
}

/** A comma-separated list. */
interface ListSetting extends Described {
  type: "list";
  items: string;
}

export interface TextSetting extends Described {
  type: "text";
  default?: string;
  minLength?: number;
  maxLength?: number;
  pattern?: Pick<RegExp, "test">;
  /** Completes "must …" in the message for a text that does not match the pattern. */
  requirement?: string;
}

/** A comma-separated list of URLs counts as a URL, too. */
export interface UrlSetting extends Described {
  type: "URL";
  protocols: readonly string[];
  example: string;
}

/** The path of a readable file. */
interface FileSetting extends Described {
  type: "file";
  example: string;
}

export type Setting =
  | IntegerSetting
  | FlagSetting
  | ChoiceSetting
  | SelectionSetting
  | ListSetting
  | TextSetting
  | UrlSetting
  | FileSetting;
