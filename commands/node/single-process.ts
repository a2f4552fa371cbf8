import { ServiceBroker } from "moleculer";
import { type Config } from "../../config/config.ts";
import { serviceNames, type ServiceName } from "../../services/registry.ts";
import { LocalTransporter } from "../../embedded/local-transporter.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { createServices } from "../../services/load-services.ts";
import { launchDatabases } from "./databases.ts";
import { connectEarly, startBroker } from "./start-broker.ts";

/** The whole shop in this process. */
export interface SingleProcess {
  broker: ServiceBroker;
  /** Starts the services. Waits for databases that cannot be reached. */
  start: () => Promise<void>;
  /** Also during the start. Finishes running requests, then stops the database. */
  stop: () => Promise<void>;
}

/**
 * Opens the databases and creates the whole shop, or some of its services, on one broker. REPLs join
 * it through the data directory, or through NATS if NATS is configured. Throws CommandError,
 * ListenError or SchemaError.
 */
export async function openSingleProcess(
  config: Config,
  services: readonly ServiceName[] = serviceNames,
): Promise<SingleProcess> {
  const { urls, claim, ready, close } = await launchDatabases(config, services);
  const transporter = new LocalTransporter({ server: claim });
  const options = brokerOptions(config, "shop", { transporter, databaseUrls: urls });
  // The databases close with the broker: the `exit` of a REPL stops only the broker.
  const broker = new ServiceBroker({ ...options, stopped: close });
  try {
    await connectEarly(broker);
    // Loads the files of the services while PostgreSQL starts.
    await Promise.all([ready, createServices(broker, services)]);
  } catch (error) {
    await broker.stop();
    throw error;
  }
  return { broker, start: () => startBroker(broker), stop: () => broker.stop() };
}
