import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { MetricReporters, type MetricRegistry } from "moleculer";
import { instrumentsOf } from "../core/metrics/instruments.ts";
import { encodingOf } from "../core/network/accepted-encoding.ts";
import { limitInternalServer, pathToAnswer } from "../core/network/internal-server.ts";
import { SharedCall } from "../core/tasks/shared-call.ts";
import { prometheusText } from "./prometheus-text.ts";

export const prometheusType = "text/plain; version=0.0.4; charset=utf-8";

const compressed = promisify(gzip);

/** Moleculer's Prometheus reporter, whose text also has the shop's own metrics. */
export class PrometheusReporter extends MetricReporters.Prometheus {
  declare registry: MetricRegistry;
  declare defaultLabels: Record<string, string>;
  declare server: Server;
  /**
   * Requests at the same time share one text: a client can pipeline thousands, and each text takes
   * milliseconds.
   */
  readonly #text = new SharedCall(() => this.#collect());
  readonly #compressedText = new SharedCall(async () => compressed(await this.text()));

  override init(registry: MetricRegistry): void {
    super.init(registry);
    limitInternalServer(this.server);
  }

  /** Returns the metrics in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#text.get();
  }

  async #collect(): Promise<string> {
    const own = await instrumentsOf(this.registry.broker).collect();
    return `${this.generatePrometheusResponse()}\n${prometheusText(own, this.defaultLabels)}`;
  }

  override handler(req: IncomingMessage, res: ServerResponse): void {
    this.#answer(req, res).catch((error: unknown) => {
      this.registry.broker.logger.error("The metrics could not be served.", error);
      res.writeHead(500).end();
    });
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = pathToAnswer(req, res);
    if (path === undefined) return;
    if (path !== this.opts.path) {
      res.writeHead(404).end();
      return;
    }
    const headers = { "content-type": prometheusType, vary: "accept-encoding" };
    if (encodingOf(req.headers["accept-encoding"], ["gzip"]) === "gzip") {
      const bytes = await this.#compressedText.get();
      res.writeHead(200, { ...headers, "content-encoding": "gzip" }).end(bytes);
    } else {
      const text = await this.text();
      res.writeHead(200, headers).end(text);
    }
  }
}

/** The reporter without an HTTP server: the gateway serves its text. */
export class InlinePrometheusReporter extends PrometheusReporter {
  override init(registry: MetricRegistry): void {
    MetricReporters.Base.prototype.init.call(this, registry);
    this.defaultLabels = { namespace: registry.broker.namespace, nodeID: registry.broker.nodeID };
  }

  override async stop(): Promise<void> {
    /* There is no server to stop. */
  }
}
