import { watch } from "node:fs";
import { registerHooks } from "node:module";
import { dirname, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Service, ServiceBroker } from "moleculer";
import { serviceNames, type Config, type ServiceName } from "../core/config.ts";
import { loadService, type DatabaseUrls } from "../services/load-services.ts";

const projectDir = dirname(import.meta.dirname);
const watched = ["core", "mixins", "services"];
/** Editors write a file in several steps. */
const settleMs = 150;

/**
 * Watches the project's files, and puts a service's new version into the place of the old one
 * when its file changes. Files that cannot be read leave the old version at work.
 */
export function reloadOnChange(broker: ServiceBroker, config: Config, urls: DatabaseUrls): void {
  inheritReloadQuery();
  const changed = new Set<ServiceName>();
  let timer: NodeJS.Timeout | undefined;
  let generation = 0;
  let reloading = Promise.resolve();

  const reload = async () => {
    const names = serviceNames.filter((name) => changed.has(name));
    changed.clear();
    generation += 1;
    for (const name of names) {
      try {
        const schema = await loadService(name, config, urls, `?reload=${generation}`);
        // Not there, whatever its type says, when the last reload failed.
        const old = broker.getLocalService(name) as Service | undefined;
        if (old) await broker.destroyService(old);
        broker.createService(schema);
        await broker.waitForServices(name, 10_000);
        process.stdout.write(`reloaded ${name}\n`);
      } catch (error) {
        process.stdout.write(`${name} was not reloaded: ${String(error)}\n`);
      }
    }
  };
  for (const folder of watched) {
    watch(`${projectDir}/${folder}`, { recursive: true }, (_event, file) => {
      for (const name of affectedServices(folder, file ?? "")) changed.add(name);
      clearTimeout(timer);
      timer = setTimeout(() => {
        reloading = reloading.then(reload);
      }, settleMs);
    });
  }
}

/** A service's own files are its own; its public face, and what is shared, are everybody's. */
function affectedServices(folder: string, file: string): readonly ServiceName[] {
  if (!/\.(ts|graphql)$/.test(file)) return [];
  const [owner] = file.split(sep);
  const isOwn = folder === "services" && !/\.(contract\.ts|graphql)$/.test(file);
  return isOwn ? serviceNames.filter((name) => name === owner) : serviceNames;
}

/**
 * A module that was imported with `?reload=2` imports the project's other files with it too, so
 * that all that lies below a service is read anew, and nothing that other services hold changes.
 */
function inheritReloadQuery(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const query = context.parentURL ? URL.parse(context.parentURL)?.search : undefined;
      if (!query?.startsWith("?reload=") || !isOurs(resolved.url)) return resolved;
      return { ...resolved, url: `${resolved.url}${query}` };
    },
  });
}

function isOurs(url: string): boolean {
  if (!url.startsWith(pathToFileURL(projectDir).href) || url.includes("?")) return false;
  return !fileURLToPath(url).includes(`${sep}node_modules${sep}`);
}
