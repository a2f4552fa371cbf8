import { setTimeout as delay } from "node:timers/promises";
import { graphql } from "../../../tools/support/graphql-client.ts";

const pauseMs = 250;
/**
 * A read that fails later has exceeded a deadline of the shop (4 s), which happens on a busy machine
 * without an upgrade, too. A missing node, action or parameter fails at once.
 */
const overloadedAfterMs = 3_500;

/** Clients that read without retries, each with one query. */
export class Readers {
  /** The queries that failed, with codes and messages. */
  readonly failures: string[] = [];
  readonly #loops: Promise<void>[];
  #isOver = false;

  /** @param urls the gateways; may change */
  constructor(queries: readonly string[], urls: readonly string[], token: string | undefined) {
    this.#loops = queries.map((query) => this.#read(query, urls, token));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #read(query: string, urls: readonly string[], token: string | undefined): Promise<void> {
    for (let count = 0; !this.#isOver; count += 1) {
      const startMs = performance.now();
      try {
        const { errors, code } = await graphql(urls[count % urls.length] ?? "", query, { token });
        const tookMs = performance.now() - startMs;
        if (errors !== undefined && tookMs < overloadedAfterMs) {
          this.failures.push(`${query}: ${code} ${errors[0]?.message} after ${tookMs} ms`);
        }
      } catch (error) {
        this.failures.push(`${query}: ${String(error)}`);
      }
      await delay(pauseMs);
    }
  }
}
