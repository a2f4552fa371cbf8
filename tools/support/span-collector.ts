import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A received span, with its attributes as an object. */
export interface CollectedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer */
  kind: number;
  /** Nanoseconds since 1970, as a decimal number. */
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Record<string, unknown>;
  /** The resource, i.e. the process. */
  resource: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  status: { code?: number };
}

type Attributes = { key: string; value: Record<string, unknown> }[];

interface Export {
  resourceSpans: {
    resource: { attributes: Attributes };
    scopeSpans: { spans: (Omit<CollectedSpan, "attributes"> & { attributes: Attributes })[] }[];
  }[];
}

/** A server for the OpenTelemetry protocol (OTLP over HTTP, JSON), which keeps all spans. */
export class SpanCollector {
  readonly spans: CollectedSpan[] = [];
  /** Everything that was received. */
  text = "";
  readonly #server: Server = createServer((req, res) => {
    void json(req).then((body) => {
      this.text += JSON.stringify(body);
      this.spans.push(...spansOf(body as Export));
      res.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });

  /** Starts the server. Returns the variables that make a process send its spans here at once. */
  async start(): Promise<Record<string, string>> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const { port } = this.#server.address() as AddressInfo;
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "100",
    };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function spansOf({ resourceSpans }: Export): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        parentSpanId: span.parentSpanId === "" ? undefined : span.parentSpanId,
        attributes: asObject(span.attributes),
        resource: asObject(resource.attributes),
      })),
    ),
  );
}

function asObject(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** Returns the service of the node that has made a span. */
export function serviceOf({ resource }: CollectedSpan): string {
  return String(resource["service.instance.id"]).replace(/-.*/, "");
}

/** Draws the spans of a trace as an indented tree: `name kind@service`, siblings by name. */
export function drawTrace(spans: readonly CollectedSpan[], root: string): string[] {
  const kinds = ["", "internal", "server", "client", "producer", "consumer"];
  const draw = (parent: string, indent: string): string[] =>
    spans
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .map((span) => ({ span, line: `${span.name} ${kinds[span.kind] ?? ""}@${serviceOf(span)}` }))
      .toSorted((a, b) => a.line.localeCompare(b.line))
      .flatMap(({ span, line }) => [`${indent}${line}`, ...draw(span.spanId, `${indent}  `)]);
  return draw(root, "");
}
