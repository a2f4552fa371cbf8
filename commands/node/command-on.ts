import { resolve } from "node:path";
import { data as settings } from "../../config/settings/cluster-settings.ts";

/** Returns a command, for a shell, that uses a data directory. */
export function commandOn(dataDir: string, command: string): string {
  if (dataDir === resolve(settings.DATA_DIR.default)) return command;
  const isPlain = /^[\w./-]+$/.test(dataDir);
  const quoted = isPlain ? dataDir : `'${dataDir.replaceAll("'", String.raw`'\''`)}'`;
  return `DATA_DIR=${quoted} ${command}`;
}
