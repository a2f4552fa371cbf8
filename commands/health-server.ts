import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { type Config } from "../config/config.ts";
import { domainServices } from "../services/registry.ts";
import { listen, sendJson } from "../services/api/http/http-server.ts";

/** Longer than a healthy database ever needs, shorter than an orchestrator's deadline. */
const answerTimeoutMs = 1_000;

/**
 * Tells an orchestrator how this node is, whatever its services are: `/health/live` while the
 * process works, `/health/ready` when it is in the cluster and its databases answer, until it
 * stops. Nothing listens where no port is configured. Throws a ListenError.
 */
export async function serveHealth(config: Config, broker: ServiceBroker): Promise<Server> {
  const own = domainServices.filter((name) => config.services.includes(name));
  const server = createServer((req, res) => {
    if (req.url === "/health/live") {
      sendJson(res, 200, { status: "live" });
    } else if (req.url === "/health/ready") {
      missingOf(broker, own).then(
        (missing) => {
          const isReady = missing.length === 0;
          const status = isReady ? "ready" : "not ready";
          sendJson(res, isReady ? 200 : 503, { status, missing });
        },
        (error: unknown) => {
          broker.logger.error("the node's health could not be told", error);
          sendJson(res, 503, { status: "not ready", missing: [] });
        },
      );
    } else {
      sendJson(res, 404, { status: "unknown address" });
    }
  });
  if (config.healthPort !== undefined) await listen(server, config.healthPort, config.host);
  return server;
}

/** What keeps the node from working: the cluster, or services whose database does not answer. */
async function missingOf(broker: ServiceBroker, services: readonly string[]): Promise<string[]> {
  if (!broker.started || broker.stopping || !(await isHeard(broker))) return ["cluster"];
  const options = { nodeID: broker.nodeID, timeout: answerTimeoutMs };
  const answers = await Promise.allSettled(
    services.map((name) => broker.call(`${name}.ready`, {}, options)),
  );
  return services.filter((_name, index) => answers[index]?.status === "rejected");
}

/** Whether NATS answers. Moleculer itself does not tell: it waits for NATS to come back. */
async function isHeard({ transit }: ServiceBroker): Promise<boolean> {
  const { client } = (transit as Transit | null)?.tx ?? {};
  if (client === undefined) return false;
  const answered = client.flush().then(
    () => true,
    () => false,
  );
  return Promise.race([answered, sleep(answerTimeoutMs, false)]);
}

/** Where Moleculer's NATS transporter keeps its connection. */
interface Transit {
  tx?: { client?: { flush(): Promise<void> } };
}
