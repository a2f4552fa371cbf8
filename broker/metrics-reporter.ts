import { MetricReporters, type MetricRegistry } from "moleculer";

/** Moleculer's Prometheus reporter without an HTTP server: the gateway serves its text. */
export class InlinePrometheusReporter extends MetricReporters.Prometheus {
  declare defaultLabels: Record<string, string>;

  override init(registry: MetricRegistry): void {
    MetricReporters.Base.prototype.init.call(this, registry);
    this.defaultLabels = { namespace: registry.broker.namespace, nodeID: registry.broker.nodeID };
  }

  override async stop(): Promise<void> {
    /* There is no server to stop. */
  }
}
