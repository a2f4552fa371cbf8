import { createServer } from "node:http";
import type { Config } from "../config/config.ts";
import type { ServiceName } from "../services/registry.ts";
import { ConfigError } from "../config/config-reader.ts";
import { listen } from "../services/api/http/http-server.ts";

/**
 * Throws a ConfigError when two of the ports that a node with these services is going to listen on
 * are the same, and a ListenError when one is taken. Found out before anything is started, it needs
 * no undoing.
 */
export async function assertPortsFree(
  { host, port, metricsPort, healthPort }: Config,
  services: readonly ServiceName[],
): Promise<void> {
  if (services.length === 0) return;
  const ports: [name: string, port: number | undefined][] = [
    ["PORT", services.includes("api") ? port : undefined],
    ["METRICS_PORT", metricsPort],
  ];
  // Only a cluster node listens on this one, and does so before all else.
  assertDifferent([...ports, ["HEALTH_PORT", healthPort]]);
  for (const [, one] of ports) {
    if (one === undefined) continue;
    const probe = createServer();
    await listen(probe, one, host);
    await new Promise((closed) => probe.close(closed));
  }
}

/** With 0, the system chooses a port that nobody has. */
function assertDifferent(ports: readonly [name: string, port: number | undefined][]): void {
  const faults = ports.flatMap(([name, one = 0], index) =>
    ports
      .slice(0, index)
      .filter(([, other]) => one !== 0 && other === one)
      .map(([other]) => {
        const example = `${name}=${one < 65_535 ? one + 1 : one - 1}`;
        return `${other} and ${name} must be different ports, not both ${one}; for example ${example}`;
      }),
  );
  if (faults.length > 0) throw new ConfigError(faults.join("\n"));
}
