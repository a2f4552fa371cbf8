import { expect } from "@jest/globals";
import { readConfig, singleProcessDefaults, type Config } from "../../config/config.ts";
import { ConfigError } from "../../config/config-reader.ts";

/** Reads the configuration of a single process from an environment. */
export function read(env: Record<string, string>): Config {
  return readConfig(env, singleProcessDefaults);
}

/** Returns the lines of the ConfigError for an environment, or none if the environment is valid. */
export function faultsOf(env: Record<string, string>): string[] {
  try {
    read(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split("\n");
  }
}
