import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { eventually } from "../../support/eventually.ts";
import { smallLayout } from "../cluster/layout.ts";
import type { Databases } from "../cluster/databases.ts";
import { Shop } from "../cluster/shop.ts";
import { HistoryWriter } from "../history-writer.ts";
import { Random } from "../random.ts";
import { historyFile, type RunEnvironment } from "../run.ts";
import type { Service } from "../snapshot.ts";
import { usualWeights } from "../workload/intents.ts";
import { Market } from "../workload/market.ts";
import { MarketOpener, openMarket } from "../workload/open-market.ts";
import { Workload } from "../workload/workload.ts";
import type { FeedEvidence, HaltEvidence, PlacedEvent, RestoreEvidence } from "./check-restore.ts";

/** The services that a run can restore: those whose logs grow with the load. */
export const restorableServices = ["products", "orders"] as const;
export type RestorableService = (typeof restorableServices)[number];

const consumersOf = {
  users: ["products", "orders", "webhooks"],
  products: ["orders", "webhooks"],
  orders: ["products", "webhooks"],
} as const;
type Producer = keyof typeof consumersOf;

/** The operations before the backup. */
const minOperations = 40;
/** The events that the restored service loses at least, and records at least after the restore. */
const minEvents = 8;
/** Each poll opens connections and reads whole logs. */
const everyMs = 250;
const size = { hotProducts: 3, hotStock: 200, customers: 3, coldProducts: 6 };

/** What the phases of a run share. */
interface Stage {
  shop: Shop;
  databases: Databases;
  operator: ServiceBroker;
  restored: RestorableService;
  folder: string;
  /** Shows a phase of the run. Throws after an interruption. */
  step: (name: string, share: number) => void;
}

/**
 * Starts a small cluster and sends requests. Meanwhile sets the database of one service back to an
 * earlier copy, while its nodes are down. Waits until the feeds of its consumers have halted, lets
 * them continue by `reconcile`, and returns what the tables and the answers show.
 */
export async function runRestore(
  restored: RestorableService,
  seed: number,
  { nats, folder, show, signal, ...environment }: RunEnvironment,
): Promise<RestoreEvidence> {
  const databases = await environment.databases.create(environment.name);
  const random = new Random(seed);
  const history = new HistoryWriter(join(folder, historyFile));
  const namespace = "verify-restore";
  const step = (name: string, share: number) => {
    signal.throwIfAborted();
    show({ name, share });
  };
  step("starting the nodes", 0);
  const shop = await Shop.start({
    layout: smallLayout,
    databases,
    nats,
    folder,
    random: random.fork(),
    namespace,
    reservationTtlSeconds: 2,
    signal,
    preloads: [],
    onEvent: () => undefined,
    onMessage: () => undefined,
    onDeath: (node, end) => {
      history.write({ line: "death", atMs: history.nowMs, node, end: String(end) });
    },
  });
  const operator = new ServiceBroker({
    namespace,
    transporter: { type: "NATS", options: { url: nats.url } },
    nodeID: "operator",
    // A call can still go to the stopped node of the restored service.
    retryPolicy: { enabled: true, retries: 5, delay: 500 },
    logger: false,
  });
  const stage = { shop, databases, operator, restored, folder, step };
  try {
    const shared = { market: new Market(), history, urls: shop.urls };
    const opener = new MarketOpener({ ...shared, random });
    await openMarket(opener, await opener.registerFirstAdmin(), size);
    await operator.start();
    // Long pauses: the load lasts until all consumers have halted, and a few events show enough.
    const options = { weights: usualWeights, clients: 6, pauseMs: 120 };
    const workload = new Workload({ random: random.fork(), ...options, ...shared });
    const halted = await setBackUnderLoad(stage, workload);
    step("reconciling", 0.8);
    const halts: HaltEvidence[] = [];
    for (const feed of halted) halts.push(await reconcileHalted(stage, feed));
    step("waiting for the consumers", 0.9);
    const feeds = await untilApplied(databases);
    const repair = await repairDeadLetters(databases, operator);
    return { restored, halts, feeds, repair };
  } finally {
    await operator.stop();
    await shop.stop();
    await history.close();
  }
}

type HaltedFeed = Pick<HaltEvidence, "consumer" | "appliedAtHalt">;

/** Sets the database back under load, until all consumers have halted. Then ends the load. */
async function setBackUnderLoad(stage: Stage, workload: Workload): Promise<HaltedFeed[]> {
  const { shop, databases, operator, restored, step } = stage;
  const load = workload.run();
  step("load before the backup", 0.2);
  await eventually("the load", () => workload.done >= minOperations);
  await shop.whileDown(restored, () => databases.backUp(restored));
  const backedUp = (await logOf(databases, restored)).length;
  step("load after the backup", 0.4);
  const consumers = consumersOf[restored];
  const haveEvents = async () => {
    const applied = consumers.map((consumer) => appliedBy(databases, consumer, restored));
    const last = (await Promise.all(applied)).map((events) => events.at(-1)?.position ?? 0);
    return Math.min(...last) >= backedUp + minEvents;
  };
  await eventually("events after the backup", haveEvents, { everyMs });
  await shop.whileDown(restored, () => databases.restore(restored));
  step("load after the restore", 0.6);
  const halted = await Promise.all(
    consumers.map((consumer) => untilHalted(databases, operator, consumer, restored)),
  );
  await eventually(
    "events after the restore",
    async () => (await logOf(databases, restored)).length >= backedUp + minEvents,
    { everyMs },
  );
  workload.end();
  await load;
  // Until then the restored log grows.
  await eventually("no work left of the restored service", () => hasNoWork(databases, restored), {
    everyMs,
  });
  return halted;
}

async function hasNoWork(databases: Databases, restored: RestorableService): Promise<boolean> {
  const held = "SELECT FROM reservations WHERE state = 'HELD'";
  if (restored === "products" && (await databases.query(restored, held)).length > 0) return false;
  return (await feedsOf(databases, ({ consumer }) => consumer === restored)).every(isAtHead);
}

/** Asks what a halted feed has lost, and lets it continue. Returns the evidence. */
async function reconcileHalted(
  { databases, operator, restored, folder }: Stage,
  { consumer, appliedAtHalt }: HaltedFeed,
): Promise<HaltEvidence> {
  const appliedAtEnd = await appliedBy(databases, consumer, restored);
  const log = await logOf(databases, restored);
  const reconciled = await reconcile(operator, consumer, restored);
  // `reconcile` compares the databases: it may see the halt before the feed does.
  const isLogged = await eventually("the error in the log of a node", () =>
    hasLogged(folder, `${restored} was set back: ${consumer} has`),
  ).catch(() => false);
  await reconcile(operator, consumer, restored, "common");
  return { consumer, appliedAtHalt, appliedAtEnd, log, reconciled, isLogged };
}

async function reconcile(
  operator: ServiceBroker,
  consumer: Service,
  producer: Producer,
  continueFrom?: "common",
): Promise<HaltEvidence["reconciled"]> {
  const params = { producer, ...(continueFrom && { continueFrom }) };
  return operator.call(`${consumer}.reconcile`, params, { timeout: 30_000 });
}

async function untilHalted(
  databases: Databases,
  operator: ServiceBroker,
  consumer: Service,
  producer: Producer,
) {
  await eventually(
    `${consumer} halting`,
    async () => (await reconcile(operator, consumer, producer)).halt === "set_back",
    { everyMs },
  );
  return { consumer, appliedAtHalt: await appliedBy(databases, consumer, producer) };
}

/** Waits until all consumers have applied all events. Returns what they have applied. */
async function untilApplied(databases: Databases): Promise<FeedEvidence[]> {
  const feedsAtHead = async () => {
    const feeds = await feedsOf(databases, () => true);
    return feeds.every(isAtHead) && feeds;
  };
  return eventually("all events applied", feedsAtHead, { everyMs });
}

/** Redrives the dead letters of `products`, which take the stock of lost reservations again. */
async function repairDeadLetters(
  databases: Databases,
  operator: ServiceBroker,
): Promise<RestoreEvidence["repair"]> {
  const call = <Result>(action: string, params: object = {}): Promise<Result> =>
    operator.call(`products.${action}`, params, { timeout: 30_000 });
  const letters = await call<{ id: string }[]>("deadLetters", { limit: 1_000 });
  const rejections: string[] = [];
  for (const { id } of letters) {
    await call("redrive", { id }).catch((error: unknown) => {
      rejections.push(String((error as { type?: unknown }).type));
    });
  }
  await untilApplied(databases);
  const audit = await call<{
    differences: unknown[];
    dead_letters: { events: number };
  }>("audit");
  return {
    redriven: letters.length - rejections.length,
    rejections,
    differences: audit.differences.length,
    deadLetters: audit.dead_letters.events,
  };
}

type Feed = Pick<FeedEvidence, "consumer" | "producer">;

/** Reads the evidence of the feeds that a condition selects. */
async function feedsOf(databases: Databases, selects: (feed: Feed) => boolean) {
  const feeds = (Object.keys(consumersOf) as Producer[]).flatMap((producer) =>
    consumersOf[producer].map((consumer) => ({ consumer, producer })),
  );
  return Promise.all(
    feeds.filter(selects).map(({ consumer, producer }) => feedOf(databases, consumer, producer)),
  );
}

function isAtHead({ applied, log }: FeedEvidence): boolean {
  const last = applied.at(-1);
  // A consumer that begins with new events may have applied none.
  return last === undefined || (last.id === log.at(-1)?.id && last.position === log.length);
}

async function feedOf(
  databases: Databases,
  consumer: Service,
  producer: Producer,
): Promise<FeedEvidence> {
  const applied = await appliedBy(databases, consumer, producer);
  const log = await logOf(databases, producer);
  const deadLetters = await databases.query<{ id: string; reason: string }>(
    consumer,
    `SELECT id, reason FROM dead_letters WHERE producer = '${producer}'`,
  );
  return { consumer, producer, applied, log, deadLetters };
}

/** Returns the log of a service. */
function logOf(databases: Databases, service: Producer): Promise<PlacedEvent[]> {
  return databases.query(service, "SELECT position::int, id FROM event_log ORDER BY position");
}

/** Returns the events of a producer that a consumer has recorded as applied. */
function appliedBy(
  databases: Databases,
  consumer: Service,
  producer: Producer,
): Promise<PlacedEvent[]> {
  return databases.query(
    consumer,
    `SELECT (b.first_position + applied.place - 1)::int AS position, applied.id
     FROM event_batches b, unnest(b.event_ids) WITH ORDINALITY AS applied (id, place)
     WHERE producer = '${producer}' ORDER BY position`,
  );
}

/** Returns whether a node has logged a text. */
async function hasLogged(folder: string, text: string): Promise<boolean> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".log"));
  const logs = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return logs.some((log) => log.includes(text));
}
