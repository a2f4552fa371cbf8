import { Agent, request, type IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";

export interface HttpRequest {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | undefined;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Sends requests unchanged over keep-alive connections. */
export class KeepAliveClient {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, maxSockets = 16) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets });
  }

  async send({ method = "POST", path, headers = {}, body }: HttpRequest): Promise<HttpAnswer> {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const outgoing = request(`${this.#url}${path}`, {
      method,
      agent: this.#agent,
      headers: { ...headers, ...length },
    });
    // The connection may be reset after the response, while the rest of the body is being sent.
    outgoing.on("error", () => undefined);
    const responded = once(outgoing, "response") as Promise<[IncomingMessage]>;
    outgoing.end(body);
    const [incoming] = await responded;
    const { statusCode: status = 0, headers: answerHeaders } = incoming;
    return { status, headers: answerHeaders, text: await text(incoming) };
  }

  close(): void {
    this.#agent.destroy();
  }
}
