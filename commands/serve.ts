import { ServiceBroker } from "moleculer";
import { clusterNodeDefaults, loadConfig } from "../config/config.ts";
import { brokerOptions } from "../moleculer.config.ts";
import { createServices } from "../services/load-services.ts";
import { requireCluster } from "./node/cluster-node.ts";
import { serveHealth } from "./node/health-server.ts";
import { assertPortsFree } from "./node/ports.ts";
import { releaseMemoryWhenIdle } from "./process/release-memory.ts";
import { runProgram, stopOnSignals } from "./process/program.ts";
import { connectEarly, startBroker } from "./node/start-broker.ts";

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
  await startBroker(broker, async () => {
    await connectEarly(broker);
    await createServices(broker, config.services);
    await broker.start();
  });
  releaseMemoryWhenIdle();
});
