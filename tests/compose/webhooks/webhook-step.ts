import { cp } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../../../tools/support/eventually.ts";
import type { HistoryWriter } from "../../../tools/verify/history-writer.ts";
import { createWebhookDocument, headsOf } from "../../../tools/verify/workload/receivers.ts";
import type { Account } from "../../../tools/verify/workload/market.ts";
import { post } from "../../../tools/verify/workload/gateway-client.ts";
import type { Project } from "../containers/project.ts";
import { Tables } from "../tables.ts";

const overrideFile = "docker-compose.override.yml";
/** The only endpoint in the history. */
const endpoint = 0;
const url = "http://receiver:8081/";
const events = ["order.placed", "order.cancelled"];
const timeoutMs = 10_000;

/** Adds the receiver of webhooks to a shop that is not started yet. */
export async function addReceiver(folder: string): Promise<void> {
  await cp(join(folder, "tests/compose/webhooks", overrideFile), join(folder, overrideFile));
}

/** Creates a webhook to the receiver. The check of the history requires all later events. */
export async function createWebhook(
  project: Project,
  { token }: Account,
  history: HistoryWriter,
): Promise<void> {
  const body = { query: createWebhookDocument, variables: { input: { url, events } } };
  // The service first has to learn the heads of all logs.
  await eventually("a new webhook", async () => {
    const { code } = await post(body, { url: project.url, token, timeoutMs });
    return code === undefined;
  });
  const heads = await headsOf(new Tables(project));
  history.write({ line: "endpoint", atMs: history.nowMs, endpoint, events, heads });
}

/** Writes what the receiver got to the history. The shop must be quiescent. */
export async function recordWebhooks(project: Project, history: HistoryWriter): Promise<void> {
  const [receiver] = await project.containers("receiver");
  const log = await project.docker("logs", receiver?.id ?? "");
  for (const line of log.split("\n")) {
    if (line === "") continue;
    const webhook = JSON.parse(line) as { id: string; type: string; data: Record<string, unknown> };
    history.write({
      line: "webhook",
      atMs: history.nowMs,
      endpoint,
      ...webhook,
      accepted: true,
    });
  }
}
