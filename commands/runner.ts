import type { Server } from "node:http";
import { Service, type BrokerOptions, type ServiceBroker, type ServiceSchema } from "moleculer";
import { configOf, setConfig } from "../config/broker-config.ts";
import { ConfigError } from "../config/config-reader.ts";
import { clusterNodeDefaults, loadConfig, takeVariable, type Config } from "../config/config.ts";
import { serviceFile, servicesOf } from "../services/load-services.ts";
import { serviceNames } from "../services/registry.ts";
import { requireCluster } from "./cluster-node.ts";
import { openConsole } from "./console.ts";
import { serveHealth } from "./health-server.ts";
import { reloadOnChange } from "./hot-reload.ts";
import { assertPortsFree } from "./ports.ts";
import { fail, isSentence, isStopping, outliveReaders, stopOnSignals } from "./program.ts";
import { muteSentences, startBroker } from "./start-broker.ts";
import { portOf } from "./welcome.ts";

/** What a configuration file sees of moleculer-runner, as `this`; its types leave this out. */
export interface Runner {
  flags: { hot?: boolean };
  /** Files, folders and patterns of the command line. */
  servicePaths: string[];
}

/**
 * The broker options of a node that moleculer-runner starts. The node does what one of
 * `npm run serve` does: the health server, the sentence for what a user can mend, the stop.
 *
 * @param optionsOf makes the options that are the same for every node
 */
export async function runnerOptions(
  runner: Runner,
  optionsOf: (config: Config, role: string) => BrokerOptions,
): Promise<BrokerOptions> {
  outliveReaders();
  try {
    const config = loadConfig(clusterNodeDefaults);
    // The runner replaces the broker option of the same name by the text of such a variable.
    for (const name of ["NAMESPACE", "TRANSPORTER", "METRICS"]) takeVariable(name);
    // It would look for a file `users.service.js` in the project's folder.
    const isChosen = takeVariable("SERVICES") !== undefined;
    if (isChosen || config.services.length < serviceNames.length) {
      takeVariable("SERVICEDIR");
      runner.servicePaths = config.services.map(serviceFile);
    }
    requireCluster(config, isChosen ? config.services : []);
    const options = optionsOf(config, isChosen ? config.services.join("-") : "node");
    return {
      ...options,
      created(broker) {
        options.created?.(broker);
        asProgram(broker, runner.flags.hot === true);
      },
    };
  } catch (error) {
    fail(error);
  }
}

/** Replaces what the runner calls on its broker by what the commands of this project do. */
function asProgram(broker: ServiceBroker, isHot: boolean): void {
  const load = broker.loadService.bind(broker);
  const create = broker.createService.bind(broker);
  const start = broker.start.bind(broker);
  let health: Server | undefined;
  const faults: string[] = [];
  const unmute = muteSentences(broker);
  const attempt = (work: () => Service): Service => {
    try {
      return work();
    } catch (error) {
      if (!isSentence(error)) throw error;
      // The other services are loaded as well, so that all faults are reported at once.
      faults.push(error.message);
      return {} as never;
    }
  };
  broker.loadService = (path) => attempt(() => load(path));
  // moleculer-runner-esm imports the files itself, and does not call what they export.
  broker.createService = (schema: unknown) =>
    attempt(() => create(isFactory(schema) ? schema(broker) : (schema as ServiceSchema)));
  broker.start = async () => {
    unmute();
    try {
      if (faults.length > 0) throw new ConfigError(faults.join("\n"));
      const config = configOf(broker);
      await assertPortsFree(config, servicesOf(broker));
      health = await serveHealth(config, broker);
      await startBroker(broker, start);
      if (isHot) reload(broker);
    } catch (error) {
      if (!isStopping()) fail(error);
      // The runner would end the program with status 1 before it has stopped.
      await new Promise(() => undefined);
    }
  };
  broker.repl = () => openConsole(broker);
  stopOnSignals(async () => {
    await broker.stop();
    health?.close();
  });
}

function isFactory(schema: unknown): schema is (broker: ServiceBroker) => ServiceSchema {
  return typeof schema === "function" && !(schema.prototype instanceof Service);
}

/** Moleculer's own hot reload finds no files: it looks for modules that `require` has loaded. */
function reload(broker: ServiceBroker): void {
  // A reloaded gateway keeps the port that the system has chosen.
  if (servicesOf(broker).includes("api")) {
    setConfig(broker, { ...configOf(broker), port: portOf(broker) });
  }
  reloadOnChange(broker, (news) => {
    broker.logger.info(news);
  });
}
