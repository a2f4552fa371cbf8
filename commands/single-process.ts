import { ServiceBroker } from "moleculer";
import { type Config } from "../config/config.ts";
import { serviceNames, type ServiceName } from "../services/registry.ts";
import { LocalTransporter } from "../embedded/local-transporter.ts";
import { brokerOptions } from "../moleculer.config.ts";
import { createServices } from "../services/load-services.ts";
import { openDatabases } from "./databases.ts";
import { startBroker } from "./start-broker.ts";

/** The whole shop in this process. */
export interface SingleProcess {
  broker: ServiceBroker;
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
  const { urls, server, close } = await openDatabases(config, services);
  try {
    const transporter = new LocalTransporter({ server });
    const options = brokerOptions(config, "shop", { transporter, databaseUrls: urls });
    // With the broker, since a console's `exit` stops nothing else.
    const broker = new ServiceBroker({ ...options, stopped: close });
    await createServices(broker, services);
    await startBroker(broker);
    return { broker, stop: () => broker.stop() };
  } catch (error) {
    await close();
    throw error;
  }
}
