import { ServiceBroker } from "moleculer";
import { clusterNodeDefaults, loadConfig, type Config } from "../config/config.ts";
import { type DomainService } from "../services/registry.ts";
import { ConfigError } from "../config/config-reader.ts";
import { brokerOptions } from "../moleculer.config.ts";
import { createServices, type DatabaseUrls } from "../services/load-services.ts";
import { serveHealth } from "./health-server.ts";
import { assertPortsFree } from "./ports.ts";
import { runProgram, stopOnSignals } from "./program.ts";
import { startBroker } from "./start-broker.ts";

/** `npm run serve`: one node of a cluster, with the services that SERVICES names. */
await runProgram(async () => {
  const config = loadConfig(clusterNodeDefaults);
  const databaseUrls = requireCluster(config);
  await assertPortsFree(config, config.services);
  const broker = new ServiceBroker(brokerOptions(config, config.services.join("-")));
  const health = await serveHealth(config, broker);
  stopOnSignals(async () => {
    await broker.stop();
    health.close();
  });
  await createServices(broker, config.services, config, databaseUrls);
  await startBroker(broker);
});

/** A node needs NATS and its services' databases: there is nothing embedded to fall back on. */
function requireCluster({ nats, services, databaseUrls }: Config): DatabaseUrls {
  const missing: string[] = [];
  if (!nats) missing.push("TRANSPORTER is not set; for example TRANSPORTER=nats://localhost:4222");
  for (const name of services.filter((service): service is DomainService => service !== "api")) {
    if (databaseUrls[name] !== undefined) continue;
    const variable = `${name.toUpperCase()}_DB_URL`;
    missing.push(
      `${variable} is not set; for example ${variable}=postgres://user:password@localhost:5432/${name}`,
    );
  }
  if (missing.length > 0) throw new ConfigError(missing.join("\n"));
  return databaseUrls as DatabaseUrls;
}
