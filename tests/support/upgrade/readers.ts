import { setTimeout as delay } from "node:timers/promises";
import { graphql } from "../../../tools/support/graphql-client.ts";

const pauseMs = 100;

/** Clients that read without retries, each with one query. */
export class Readers {
  /** The queries that failed, with their codes. */
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
      try {
        const { errors, code } = await graphql(urls[count % urls.length] ?? "", query, { token });
        if (errors !== undefined) this.failures.push(`${query}: ${code}`);
      } catch (error) {
        this.failures.push(`${query}: ${String(error)}`);
      }
      await delay(pauseMs);
    }
  }
}
