import type { Server } from "node:http";
import type { ServiceBroker } from "moleculer";
import { type Config } from "../../config/config.ts";
import { createServer } from "../../core/network/http.ts";
import { limitInternalServer, pathToAnswer } from "../../core/network/internal-server.ts";
import { listen, listeningAt } from "../../core/network/listen.ts";
import { sendJson } from "../../core/network/send.ts";
import { healthCheckAt, readinessOf, type Readiness } from "../../core/readiness.ts";
import { within } from "../../core/tasks/within.ts";
import { domainServices } from "../../services/registry.ts";

/** Longer than a healthy database needs, shorter than an orchestrator's probe timeout. */
const answerTimeoutMs = 1_000;

/**
 * Serves the health checks of a node with any services: `/health/live` answers 200 while the
 * process runs, `/health/ready` while the node is in the cluster and its databases answer. The
 * server does not listen if no port is configured. Throws ListenError.
 */
export async function serveHealth(config: Config, broker: ServiceBroker): Promise<Server> {
  const localServices = domainServices.filter((name) => config.services.includes(name));
  const server = createServer((req, res) => {
    const path = pathToAnswer(req, res);
    if (path === undefined) return;
    const check = healthCheckAt(path);
    if (check === "live") {
      sendJson(res, 200, { status: "live" });
    } else if (check === "ready") {
      nodeReadiness(broker, localServices).then(
        ({ missing, readOnly }) => {
          const isReady = missing.length === 0;
          const status = isReady ? "ready" : "not ready";
          sendJson(res, isReady ? 200 : 503, { status, missing, readOnly });
        },
        (error: unknown) => {
          broker.logger.error("The health check of the node failed.", error);
          sendJson(res, 503, { status: "not ready", missing: [], readOnly: [] });
        },
      );
    } else {
      sendJson(res, 404, { status: "unknown address" });
    }
  });
  limitInternalServer(server);
  if (config.healthPort !== undefined) {
    await listen(server, config.healthPort, config.host, "HEALTH_PORT");
    broker.logger.info(`The health checks listen on ${listeningAt(server, config.host)}.`);
  }
  return server;
}

/**
 * Returns what the node lacks: the cluster, or the services whose database does not answer; and the
 * services whose database refuses writes.
 */
async function nodeReadiness(
  broker: ServiceBroker,
  services: readonly string[],
): Promise<Readiness<string>> {
  if (!broker.started || broker.stopping || !(await isConnected(broker))) {
    return { missing: ["cluster"], readOnly: [] };
  }
  const options = { nodeID: broker.nodeID, timeout: answerTimeoutMs };
  return readinessOf(services, (action) => broker.call(action, {}, options));
}

/** Returns true if NATS answers. Moleculer has no such check: it waits for the reconnect. */
async function isConnected({ transit }: ServiceBroker): Promise<boolean> {
  const { client } = (transit as Transit | null)?.tx ?? {};
  if (client === undefined) return false;
  return within(client.flush(), answerTimeoutMs).then(
    () => true,
    () => false,
  );
}

/** The member of Moleculer's NATS transporter that holds its connection. */
interface Transit {
  tx?: { client?: { flush(): Promise<void> } };
}
