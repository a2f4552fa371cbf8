import { ServiceBroker } from "moleculer";
import { serviceNames, type Config, type ServiceName } from "../core/config.ts";
import { LocalTransporter } from "../embedded/local-transporter.ts";
import { brokerOptions } from "../moleculer.config.ts";
import { createServices, type DatabaseUrls } from "../services/load-services.ts";
import { openDatabases } from "./databases.ts";

/** The whole shop in this process. */
export interface SingleProcess {
  broker: ServiceBroker;
  databaseUrls: DatabaseUrls;
  /** Finishes what was begun, and stops the database last. */
  stop: () => Promise<void>;
}

/**
 * Starts the whole shop, or some of its services, on one broker, which REPLs join through the
 * data directory (or NATS, where it is configured). Throws a StartError or a ListenError.
 */
export async function startSingleProcess(
  config: Config,
  services: readonly ServiceName[] = serviceNames,
): Promise<SingleProcess> {
  const { urls, server, close } = await openDatabases(config);
  try {
    const transporter = new LocalTransporter({ server });
    const broker = new ServiceBroker(brokerOptions(config, "shop", transporter));
    await createServices(broker, services, config, urls);
    await startOrStop(broker);
    const stop = async () => {
      await broker.stop();
      await close();
    };
    return { broker, databaseUrls: urls, stop };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Starts a broker; what was started is stopped again when a service does not start. */
export async function startOrStop(broker: ServiceBroker): Promise<void> {
  try {
    await broker.start();
  } catch (error) {
    await broker.stop();
    throw error;
  }
}
