import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../report.ts";
import { inSeconds } from "../report.ts";

/** Longer than the load balancer's timeout for a response without data. */
const openMs = 21_000;
/** The gateway sends one at the beginning, and every ten seconds. */
const comment = ":\n\n";

/** Checks that the load balancer forwards Server-Sent Events at once, and keeps the response open. */
export async function checkEventStream(url: string, report: Report): Promise<void> {
  const step = "Server-Sent Events";
  const closing = new AbortController();
  try {
    const query = encodeURIComponent("subscription { inventoryUpdated { number } }");
    const startMs = performance.now();
    const response = await fetch(`${url}/graphql?query=${query}`, {
      headers: { accept: "text/event-stream" },
      signal: closing.signal,
    });
    let text = "";
    let firstMs = Infinity;
    const read = async () => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        firstMs = Math.min(firstMs, performance.now() - startMs);
        text += decoder.decode(chunk as Uint8Array, { stream: true });
      }
      return "closed";
    };
    const end = await Promise.race([read(), sleep(openMs, "open")]);
    const comments = text.split(comment).length - 1;
    report.row(
      step,
      end === "open" && comments >= 2,
      `${end} after ${inSeconds(performance.now() - startMs)}, ${comments} comments, the first after ${inSeconds(firstMs)}`,
    );
  } catch (error) {
    report.row(step, false, String(error));
  } finally {
    closing.abort();
  }
}
