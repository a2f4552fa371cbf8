import type { ServiceBroker, ServiceSchema } from "moleculer";
import packageJson from "../../package.json" with { type: "json" };
import { contracts } from "../../services/registry.ts";
import { NodeVitalsRecorder } from "./node-vitals.ts";

/**
 * Adds two actions to Moleculer's service `$node`, with which the gateways draw the cluster and its
 * history. They answer for the node that is called. The gateways check the right of their clients,
 * because one collection serves all of them; no GraphQL field calls these actions.
 */
export function vitalsService(): Partial<ServiceSchema> {
  let recorder: NodeVitalsRecorder | undefined;
  const action = (handler: (recorder: NodeVitalsRecorder) => Promise<unknown>) => ({
    access: "everyone",
    params: { $$strict: true },
    handler: () => (recorder === undefined ? undefined : handler(recorder)),
  });
  const schema = {
    name: "$node",
    actions: {
      vitals: action((it) => it.vitals()),
      vitalsHistory: action((it) => it.history()),
    },
    started(this: { broker: ServiceBroker }) {
      const names = contracts.map(({ name }) => name);
      recorder = new NodeVitalsRecorder(this.broker, packageJson.version, names);
      recorder.start();
    },
    stopped() {
      recorder?.stop();
    },
  };
  return schema as Partial<ServiceSchema>;
}
