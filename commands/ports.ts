import { createServer } from "node:http";
import type { Config, ServiceName } from "../core/config.ts";
import { listen } from "../services/api/http-server.ts";

/**
 * Throws a ListenError when a port that a node with these services is going to listen on is taken.
 * Found out before anything is started, it needs no undoing.
 */
export async function assertPortsFree(
  { host, port, metricsPort }: Config,
  services: readonly ServiceName[],
): Promise<void> {
  if (services.length === 0) return;
  const wanted = [services.includes("api") ? port : undefined, metricsPort];
  for (const one of wanted.filter((each) => each !== undefined)) {
    const probe = createServer();
    await listen(probe, one, host);
    await new Promise((closed) => probe.close(closed));
  }
}
