import { readdirSync, watch } from "node:fs";
import { registerHooks } from "node:module";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import { serviceNames, type ServiceName } from "../../services/registry.ts";
import { loadService, servicesOf } from "../../services/load-services.ts";
import { reloadFile, servicesFrom } from "./loaded-services.ts";
import { isFixable } from "./program.ts";

const projectDir = join(import.meta.dirname, "..", "..");
const projectUrl = pathToFileURL(`${projectDir}/`).href;
const watched = ["config", "core", "database", "event-log", "mixins", "services"];
/** Modules that the running broker holds and services share with it: they are never reloaded. */
const brokerModules =
  /^(?:middlewares\/.+|broker\/.+|core\/(?:logging|metrics)\/.+|core\/tracing\/trace|config\/broker-config)\.ts$/;
/** An editor may write a file in several steps. */
const settleMs = 150;
const startTimeoutMs = 60_000;
const checkEveryMs = 50;

/**
 * Watches the project's files, and replaces a service by its new version when a file of it changes.
 * If the new version of one of several services cannot be loaded, all old versions stay: they belong
 * together. A service that the REPL has loaded from a file is replaced when this file changes.
 *
 * @param broker a started broker; of the project's services, only its current ones are reloaded
 * @param report shows a message to the developer
 */
export function reloadOnChange(broker: ServiceBroker, report: (message: string) => void): void {
  inheritReloadQuery();
  const local = servicesOf(broker);
  const changed = new Set<ServiceName>();
  const changedFiles = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let generation = 0;
  let reloading = Promise.resolve();

  const attempt = async (what: string, replacing: () => Promise<Service>) => {
    try {
      const { name } = await replacing();
      report(`reloaded ${name}`);
    } catch (error) {
      report(`${what} was not reloaded: ${reasonOf(error)}`);
    }
  };
  const reload = async () => {
    const names = local.filter((name) => changed.has(name));
    changed.clear();
    generation += 1;
    const { schemas, reasons } = await loadAll(broker, names, `?reload=${generation}`);
    if (reasons.size > 0) {
      // The next change reloads them, too.
      for (const name of names) changed.add(name);
      const verb = names.length > 1 ? "were" : "was";
      report(`${names.join(", ")} ${verb} not reloaded: ${[...reasons].join("\n")}`);
      return;
    }
    for (const [name, schema] of schemas) {
      await attempt(name, () => replace(broker, name, schema));
    }
  };
  const reloadFiles = async () => {
    const files = [...changedFiles].filter((file) => servicesFrom(broker, file).length > 0);
    changedFiles.clear();
    for (const file of files) {
      generation += 1;
      const version = `?reload=${generation}`;
      await attempt(relative(projectDir, file), () => reloadFile(broker, file, version));
    }
  };
  watchFolders((path) => {
    for (const name of affectedServices(path)) changed.add(name);
    changedFiles.add(join(projectDir, path));
    clearTimeout(timer);
    timer = setTimeout(() => {
      reloading = reloading.then(reload).then(reloadFiles);
    }, settleMs);
  });
}

/** Loads the new version of services. Returns their schemas, and why some could not be loaded. */
async function loadAll(broker: ServiceBroker, names: readonly ServiceName[], version: string) {
  const schemas = new Map<ServiceName, ServiceSchema>();
  const reasons = new Set<string>();
  for (const name of names) {
    try {
      schemas.set(name, await loadService(broker, name, version));
    } catch (error) {
      reasons.add(reasonOf(error));
    }
  }
  return { schemas, reasons };
}

async function replace(broker: ServiceBroker, name: ServiceName, schema: ServiceSchema) {
  // Undefined, in spite of its type, if the last reload failed.
  const old = broker.getLocalService(name) as Service | undefined;
  if (old) await broker.destroyService(old);
  const service = broker.createService(schema);
  await broker.waitForServices(name, startTimeoutMs, checkEveryMs);
  return service;
}

/**
 * Calls back with the path of each changed file, relative to the project. Each folder has its own
 * watcher: Node's recursive watch loses a file that an editor replaces by a new one.
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

/** Returns the services to reload: one for its private files, all for contracts and shared files. */
function affectedServices(path: string): readonly ServiceName[] {
  if (!/\.(ts|graphql)$/.test(path)) return [];
  const [top, owner] = path.split(sep);
  const isPrivate = top === "services" && !/\.(contract\.ts|graphql)$/.test(path);
  return isPrivate ? serviceNames.filter((name) => name === owner) : serviceNames;
}

/** Returns the reason of a failure. A syntax error's stack starts with the position in the file. */
function reasonOf(error: unknown): string {
  if (isFixable(error)) return error.message;
  if (error instanceof SyntaxError) return String(error.stack?.split("\n    at ")[0]);
  return inspect(error);
}

/**
 * Lets a module that was imported with `?reload=2` import the project's files with the same query:
 * the service and its imports are loaded again, and other services keep their modules.
 */
function inheritReloadQuery(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const query = context.parentURL ? URL.parse(context.parentURL)?.search : undefined;
      if (!query?.startsWith("?reload=") || !isProjectModule(resolved.url)) return resolved;
      return { ...resolved, url: `${resolved.url}${query}` };
    },
  });
}

function isProjectModule(url: string): boolean {
  if (!url.startsWith(projectUrl) || url.includes("?")) return false;
  const path = url.slice(projectUrl.length);
  return !path.startsWith("node_modules/") && !brokerModules.test(path);
}
