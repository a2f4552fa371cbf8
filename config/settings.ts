/*
 * All settings of the shop: the files of `settings/` are the one place of their types, bounds,
 * defaults and descriptions. `npm run docs:configuration` writes .env.example and
 * docs/configuration.md from them.
 */
import { authorization, webhooks, logs } from "./settings/account-settings.ts";
import { data, databaseUrls, cluster } from "./settings/cluster-settings.ts";
import { edge } from "./settings/edge-settings.ts";
import type { Setting } from "./settings/setting.ts";

/** The settings whose names are known when this file is written. */
export const settings = {
  ...edge,
  ...data,
  ...cluster,
  ...authorization,
  ...webhooks,
  ...logs,
};

/** All settings, in the order of the documentation. */
export const sections: readonly { title: string; settings: Record<string, Setting> }[] = [
  { title: "The edge", settings: edge },
  { title: "Data", settings: { ...databaseUrls, ...data } },
  { title: "The cluster (npm run serve, npm run repl)", settings: cluster },
  { title: "Authorization", settings: authorization },
  { title: "Webhooks", settings: webhooks },
  { title: "Logs", settings: logs },
];

/** Returns a setting by its name. Throws an Error if it is not declared. */
export function settingOf(name: string): Setting {
  const all: Record<string, Setting> = { ...settings, ...databaseUrls };
  const setting = all[name];
  if (setting === undefined) throw new Error(`No file of config/settings/ declares ${name}.`);
  return setting;
}

/** Settings of earlier versions, each with the variables that replace it. */
const removedSettings: ReadonlyMap<string, string> = new Map([
  ["TRACES_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"],
  ["TRACES_PERCENT", "OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG"],
]);

/** Returns a sentence for each removed setting that an environment still has. */
export function warningsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return [...removedSettings].flatMap(([name, replacement]) =>
    [name, `${name}_FILE`]
      .filter((variable) => (env[variable]?.trim() ?? "") !== "")
      .map((variable) => `${variable} has no effect any more; set ${replacement}.`),
  );
}

/** Returns a valid value of a setting: its default or its example. */
export function exampleOf(name: string): string {
  const setting = settingOf(name);
  if (setting.type === "selection") return setting.values.join(",");
  const fallback = "default" in setting ? setting.default : undefined;
  return setting.example ?? String(fallback);
}

type Settings = typeof settings;

/** The names of the settings of a type. */
export type NameOf<Type extends Setting["type"]> = {
  [Name in keyof Settings]: Settings[Name] extends { type: Type } ? Name : never;
}[keyof Settings];

/** The values of a choice or a selection. */
export type ValuesOf<Name extends keyof Settings> = Settings[Name] extends {
  values: readonly (infer Value)[];
}
  ? Value
  : never;

/** A value that is always set if the setting has a default. */
export type Defaulted<Name extends keyof Settings, Value> = Settings[Name] extends {
  default: unknown;
}
  ? Value
  : Value | undefined;
