import { readdirSync, watch } from "node:fs";
import { registerHooks } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import type { Service, ServiceBroker } from "moleculer";
import { serviceNames, type ServiceName } from "../services/registry.ts";
import { loadService, servicesOf } from "../services/load-services.ts";

const projectDir = dirname(import.meta.dirname);
const projectUrl = pathToFileURL(`${projectDir}/`).href;
const watched = ["config", "core", "database", "event-log", "mixins", "services"];
/** The broker holds these, and does not change while it runs. */
const brokersOwn = /^(?:middlewares\/.+|broker\/.+|core\/trace|config\/broker-config)\.ts$/;
/** Editors write a file in several steps. */
const settleMs = 150;
const startTimeoutMs = 60_000;

/**
 * Watches the project's files, and puts a service's new version into the place of the old one
 * when its file changes. Files that cannot be read leave the old version at work.
 *
 * @param broker has been started; only the services that it has now are reloaded
 * @param say tells the developer what happened
 */
export function reloadOnChange(broker: ServiceBroker, say: (news: string) => void): void {
  inheritReloadQuery();
  const local = servicesOf(broker);
  const changed = new Set<ServiceName>();
  let timer: NodeJS.Timeout | undefined;
  let generation = 0;
  let reloading = Promise.resolve();

  const reload = async () => {
    const names = local.filter((name) => changed.has(name));
    changed.clear();
    generation += 1;
    for (const name of names) {
      try {
        const schema = await loadService(broker, name, `?reload=${generation}`);
        // Not there, whatever its type says, when the last reload failed.
        const old = broker.getLocalService(name) as Service | undefined;
        if (old) await broker.destroyService(old);
        broker.createService(schema);
        await broker.waitForServices(name, startTimeoutMs, 50);
        say(`reloaded ${name}`);
      } catch (error) {
        say(`${name} was not reloaded: ${reasonOf(error)}`);
      }
    }
  };
  watchFolders((path) => {
    for (const name of affectedServices(path)) changed.add(name);
    clearTimeout(timer);
    timer = setTimeout(() => {
      reloading = reloading.then(reload);
    }, settleMs);
  });
}

/**
 * Calls back with the path of each file that changes, from the project's folder on. Folders are
 * watched one by one: Node's recursive watch loses a file that an editor replaces by a new one.
 */
function watchFolders(onChange: (path: string) => void): void {
  const below = watched.flatMap((top) =>
    readdirSync(join(projectDir, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => relative(projectDir, join(entry.parentPath, entry.name))),
  );
  for (const folder of [...watched, ...below]) {
    watch(join(projectDir, folder), (_event, file) => {
      onChange(join(folder, file ?? ""));
    });
  }
}

/** A service's own files are its own; its public face, and what is shared, are everybody's. */
function affectedServices(path: string): readonly ServiceName[] {
  if (!/\.(ts|graphql)$/.test(path)) return [];
  const [top, owner] = path.split(sep);
  const isOwn = top === "services" && !/\.(contract\.ts|graphql)$/.test(path);
  return isOwn ? serviceNames.filter((name) => name === owner) : serviceNames;
}

/** A syntax error's stack begins with the place in the file, and goes on inside Node. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return String(error.stack?.split("\n    at ")[0]);
  return inspect(error);
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
  if (!url.startsWith(projectUrl) || url.includes("?")) return false;
  const path = url.slice(projectUrl.length);
  return !path.startsWith("node_modules/") && !brokersOwn.test(path);
}
