import type { Config } from "../../config/config.ts";
import type { ServiceName } from "../../services/registry.ts";
import { ConfigError } from "../../config/config-reader.ts";
import { createServer } from "../../core/network/http.ts";
import { listen } from "../../core/network/listen.ts";

/**
 * Checks the ports of a node before it opens them. Throws ConfigError if two ports are the same, and
 * ListenError if a port is in use.
 *
 * @param isBrokerMade the broker is made, and has opened the port of the metrics
 */
export async function assertPortsFree(
  { host, port, metricsPort, healthPort }: Config,
  services: readonly ServiceName[],
  isBrokerMade = false,
): Promise<void> {
  if (services.length === 0) return;
  const ports: [name: string, port: number | undefined][] = [
    ["PORT", services.includes("api") ? port : undefined],
    ["METRICS_PORT", metricsPort],
  ];
  // Only cluster nodes use HEALTH_PORT, and listen on it before all other ports.
  assertDifferent([...ports, ["HEALTH_PORT", healthPort]]);
  for (const [setting, port] of ports) {
    if (port === undefined || (isBrokerMade && setting === "METRICS_PORT")) continue;
    const probe = createServer();
    await listen(probe, port, host, setting);
    await new Promise((closed) => probe.close(closed));
  }
}

/** Throws ConfigError for equal ports. For port 0 the system chooses a free port. */
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
