import type { Server } from "node:http";
import { Service, type BrokerOptions, type ServiceBroker, type ServiceSchema } from "moleculer";
import { configOf, setConfig } from "../../config/broker-config.ts";
import { ConfigError } from "../../config/config-reader.ts";
import { clusterNodeDefaults, loadConfig, type Config } from "../../config/config.ts";
import { takeVariable } from "../../config/npm.ts";
import { serviceFile, servicesOf } from "../../services/load-services.ts";
import { serviceNames } from "../../services/registry.ts";
import { requireCluster } from "./cluster-node.ts";
import { openRepl } from "../repl/open-repl.ts";
import { serveHealth } from "./health-server.ts";
import { reloadOnChange } from "../process/hot-reload.ts";
import { assertPortsFree } from "./ports.ts";
import {
  exitWithError,
  isFixable,
  isStopping,
  outliveReaders,
  stopOnSignals,
} from "../process/program.ts";
import { muteFixableErrors, startBroker } from "./start-broker.ts";
import { gatewayPort } from "./welcome.ts";

/** moleculer-runner as the `this` of a configuration file. Moleculer's types omit it. */
export interface Runner {
  flags: { hot?: boolean };
  /** Files, folders and glob patterns of the command line. */
  servicePaths: string[];
}

/**
 * Returns the broker options of a node that moleculer-runner starts. The node behaves like one of
 * `npm run serve`: its health server, the messages of errors that a user can fix, and its stop.
 *
 * @param optionsOf returns the options that are the same for every node
 */
export async function runnerOptions(
  runner: Runner,
  optionsOf: (config: Config, role: string) => BrokerOptions,
): Promise<BrokerOptions> {
  outliveReaders();
  try {
    const config = loadConfig(clusterNodeDefaults);
    // The runner would overwrite the broker options of these names with the variables' texts.
    for (const name of ["NAMESPACE", "TRANSPORTER", "METRICS"]) takeVariable(name);
    // With SERVICES, the runner would look for `users.service.js` in the project's folder.
    const isChosen = takeVariable("SERVICES") !== undefined;
    if (isChosen || config.services.length < serviceNames.length) {
      takeVariable("SERVICEDIR");
      runner.servicePaths = config.services.map(serviceFile);
    }
    requireCluster(config, isChosen ? config.services : []);
    // Whether the node listens on PORT is known when its services are loaded.
    await assertPortsFree({ ...config, port: 0 }, isChosen ? config.services : serviceNames);
    const options = optionsOf(config, isChosen ? config.services.join("-") : "node");
    return {
      ...options,
      created(broker) {
        options.created?.(broker);
        asProgram(broker, runner.flags.hot === true);
      },
    };
  } catch (error) {
    exitWithError(error);
  }
}

/** Replaces the broker's methods that the runner calls by the behaviour of this project's commands. */
function asProgram(broker: ServiceBroker, isHot: boolean): void {
  const load = broker.loadService.bind(broker);
  const create = broker.createService.bind(broker);
  const start = broker.start.bind(broker);
  let health: Server | undefined;
  const faults: string[] = [];
  const unmute = muteFixableErrors(broker);
  const attempt = (work: () => Service): Service => {
    try {
      return work();
    } catch (error) {
      if (!isFixable(error)) throw error;
      // The other services are still loaded, so that all faults are reported together.
      faults.push(error.message);
      return {} as never;
    }
  };
  broker.loadService = (path) => attempt(() => load(path));
  // moleculer-runner-esm imports the files itself, and does not call an exported factory.
  broker.createService = (schema: unknown) =>
    attempt(() => create(isFactory(schema) ? schema(broker) : (schema as ServiceSchema)));
  broker.start = async () => {
    unmute();
    try {
      if (faults.length > 0) throw new ConfigError(faults.join("\n"));
      const config = configOf(broker);
      await assertPortsFree(config, servicesOf(broker), true);
      health = await serveHealth(config, broker);
      await startBroker(broker, start);
      if (isHot) reload(broker);
    } catch (error) {
      if (!isStopping()) exitWithError(error);
      // Never returns: the runner would end the program with status 1 before the stop completes.
      await new Promise(() => undefined);
    }
  };
  broker.repl = () => openRepl(broker);
  stopOnSignals(async () => {
    await broker.stop();
    health?.close();
  });
}

function isFactory(schema: unknown): schema is (broker: ServiceBroker) => ServiceSchema {
  return typeof schema === "function" && !(schema.prototype instanceof Service);
}

/** Replaces Moleculer's hot reload, which watches only modules that `require` has loaded. */
function reload(broker: ServiceBroker): void {
  // With PORT=0, a reloaded gateway keeps the port that the system chose.
  if (servicesOf(broker).includes("api")) {
    setConfig(broker, { ...configOf(broker), port: gatewayPort(broker) });
  }
  reloadOnChange(broker, (message) => {
    broker.logger.info(message);
  });
}
