import { ServiceBroker } from "moleculer";
import { clusterNodeDefaults, loadConfig } from "../config/config.ts";
import { brokerOptions } from "../moleculer.config.ts";
import { createServices } from "../services/load-services.ts";
import { requireCluster } from "./node/cluster-node.ts";
import { serveHealth } from "./node/health-server.ts";
import { assertPortsFree } from "./node/ports.ts";
import { giveBackMemory } from "./process/give-back-memory.ts";
import { runProgram, stopOnSignals } from "./process/program.ts";
import { startBroker } from "./node/start-broker.ts";

/** `npm run serve`: one node of a cluster, with the services that SERVICES names. */
await runProgram(async () => {
  const config = loadConfig(clusterNodeDefaults);
  requireCluster(config, config.services);
  await assertPortsFree(config, config.services);
  const broker = new ServiceBroker(brokerOptions(config, config.services.join("-")));
  const health = await serveHealth(config, broker);
  stopOnSignals(async () => {
    await broker.stop();
    health.close();
  });
  await createServices(broker, config.services);
  // Before the node joins the cluster, because no call waits yet.
  giveBackMemory();
  await startBroker(broker);
});
