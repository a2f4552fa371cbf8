import { titles } from "./titles.ts";
import { counted } from "./counted.ts";

/** The texts of the pages below Operations that have no file of their own. */
export const operationsTexts = {
  navigation: "Operations",
  map: "Cluster map",
  charts: "Charts",
  events: "Events",
  reservations: "Reservations",
  audit: "Stock audit",
  trace: "Order trace",
  unknown: "unknown",
  none: "none",
};

/** The texts of the consumers of events and of their dead letters. */
export const eventTexts = {
  title: titles.events,
  intro: "Each service applies the events of other services in order, exactly once.",
  consumers: "Consumers of events",
  noConsumersTitle: "No service consumes events",
  feed: "Events",
  from: (producer: string, consumer: string) => `${producer} → ${consumer}`,
  position: "Position",
  head: "Newest event",
  lag: "Not yet applied",
  events: (count: number) => counted(count, "event", "events"),
  age: "Oldest of them",
  state: "State",
  states: { current: "Up to date", behind: "Catching up", halted: "Halted", silent: "No answer" },
  deadLetters: "Dead letters",
  showLetters: (count: string, consumer: string) => `${count} of ${consumer}`,
  halts: {
    RETRYING:
      "The next event keeps failing. The shop tries it again; after some tries it becomes a dead letter, and the events after it are applied.",
    UNKNOWN_TYPE:
      "The node does not know the type or the version of the next event. Upgrade the nodes of the consumer to the version of the producer.",
    SET_BACK:
      "The database of the producer was set back, for example by a restore. Compare both databases, then decide by “reconcile” in the REPL.",
  },
  haltedTitle: (feed: string) => `${feed} is halted.`,
  silentTitle: (consumer: string) => `${consumer} does not answer.`,
  silentText: "Its lag and its dead letters are unknown. Look for its nodes on the cluster map.",
};

export const deadLetterTexts = {
  title: (consumer: string) => `Dead letters of ${consumer}`,
  back: "All consumers",
  intro:
    "Events that this service could not apply. Mend the cause first, then send them again: an event that fails again stays here.",
  noneTitle: "There are no dead letters",
  noneText: "The service has applied all events.",
  reason: "Reason",
  entity: "About",
  position: "Position",
  occurred: "Recorded",
  moved: "Moved here",
  payload: "Payload",
  cut: "Only the beginning is shown.",
  toTrace: "Trace of the order",
  redrive: "Send again",
  redriveNamed: (type: string, position: string) => `Send again: ${type} at position ${position}`,
  redriven: "The event is applied.",
  wasGone: "There is no such dead letter: it was sent again before.",
  redriveAll: "Send all again",
  redriveAllText:
    "All dead letters of this service are applied again, oldest first. Those that fail again stay.",
  redrivenAll: (redriven: string, failed: string) =>
    `Applied: ${redriven}. Failed again: ${failed}.`,
};

/** The texts of the held reservations and of the audit of the stock. */
export const stockTexts = {
  reservationsTitle: titles.reservations,
  reservationsIntro:
    "Stock that is reserved for orders that are being placed. Most are held for less than a second; the shop releases the stock of an order that failed.",
  noneHeldTitle: "No reservation is held",
  noneHeldText: "Each reservation is sold or released.",
  order: "Order",
  age: "Age",
  reserved: "Reserved at",
  expires: "Checked again",
  overdue: "Overdue",
  lines: "Products",
  pieces: "Pieces",
  auditTitle: titles.stockAudit,
  auditIntro:
    "The audit compares stock, ledger and reservations of each product. The shop runs it once per hour.",
  run: "Run now",
  running: "The audit is running…",
  finished: "The audit is finished.",
  never: "There was no audit yet",
  neverText: "Run the first one now, or wait for the next hour.",
  last: (time: string) => `Last audit: ${time}. It does not contain later changes.`,
  right:
    "The books are right: the stock of each product agrees with its ledger and its reservations.",
  wrong: (count: number) =>
    `The stock of ${counted(count, "product", "products")} does not agree with the ledger.`,
  letters: (count: number) =>
    `The service products has ${counted(count, "dead letter", "dead letters")}. Send them again: until then, the stock misses what they would change.`,
  facts: {
    products: "Products",
    changes: "Entries of the ledger",
    held: "Held reservations",
    deadLetters: "Dead letters",
    notSold: "Pieces of sales in dead letters",
    notReturned: "Pieces of returns in dead letters",
  },
  differences: "Products with a difference",
  product: "Product",
  stock: "Stock",
  heldPieces: "Held",
  onHand: "Stock on hand",
  difference: "Difference",
};
