import type { EndpointLine, WebhookLine } from "../history.ts";
import { eventText } from "./events/event-text.ts";
import { groups, type Evidence } from "./evidence.ts";
import { Findings } from "./findings.ts";

/** The field with the id of the entity, by producer. */
const entityFields = { users: "user_id", products: "product_id", orders: "order_id" } as const;
const producers = ["users", "products", "orders"] as const;

/**
 * Checks invariant 7: each webhook gets every committed event of its types at least once. It gets an
 * event only after it has accepted all earlier ones of the same order, product or user.
 */
export function checkWebhooks({ history, snapshot }: Evidence): Findings {
  const findings = new Findings(7);
  const received = history.filter((line) => line.line === "webhook");
  const ofEndpoint = groups(received, ({ endpoint }) => String(endpoint));
  for (const line of history) {
    if (line.line !== "endpoint") continue;
    checkEndpoint(line, ofEndpoint(String(line.endpoint)), snapshot, findings);
  }
  return findings;
}

type LoggedEvent = Evidence["snapshot"]["users"]["event_log"][number];

/** The requests of each event, with their places in the order of their arrival. */
type Arrivals = ReadonlyMap<string, [place: number, WebhookLine][]>;

function checkEndpoint(
  { endpoint, events, heads }: EndpointLine,
  received: readonly WebhookLine[],
  snapshot: Evidence["snapshot"],
  findings: Findings,
): void {
  findings.count("webhooks received", received.length);
  const arrivals: Arrivals = Map.groupBy(received.entries(), ([, { id }]) => id);
  const known = new Set<string>();
  for (const producer of producers) {
    const expected = snapshot[producer].event_log.filter(({ type }) => events.includes(type));
    for (const event of expected) {
      known.add(event.id);
      const arrived = arrivals.get(event.id) ?? [];
      // An endpoint may get events of the time just before its creation, but it need not.
      if (event.position > heads[producer]) {
        findings.count("events for webhooks", 1);
        findings.expect(
          arrived.some(([, { accepted }]) => accepted),
          "a webhook gets every event",
          "an accepted request",
          () => ({
            endpoint,
            event,
            arrived: arrived.length,
            delivery: deliveryOf(snapshot, event),
          }),
        );
      }
      for (const [, { type, data }] of arrived) {
        findings.expect(
          eventText(type, data) === eventText(event.type, event.data),
          "a webhook has the data of its event",
          eventText(event.type, event.data),
          () => ({ endpoint, received: { type, data } }),
        );
      }
    }
    const entityOf = ({ data }: LoggedEvent) => String(data[entityFields[producer]]);
    for (const ofEntity of Map.groupBy(expected, entityOf).values()) {
      checkOrder(endpoint, ofEntity, arrivals, findings);
    }
  }
  const unknown = received.filter(({ id }) => !known.has(id));
  findings.expect(
    unknown.length === 0,
    "a webhook gets only committed events",
    "the id of an event in a log",
    () => ({ endpoint, received: unknown.slice(0, 3) }),
  );
}

/** The events of an entity arrive in order: each one after the earlier ones were accepted. */
function checkOrder(
  endpoint: number,
  events: readonly LoggedEvent[],
  arrivals: Arrivals,
  findings: Findings,
): void {
  let acceptedAt = -1;
  for (const event of events) {
    const arrived = arrivals.get(event.id) ?? [];
    const [first] = arrived;
    const before = acceptedAt;
    findings.expect(
      first === undefined || first[0] > before,
      "a webhook gets the events of an entity in order",
      "no request before the earlier events are accepted",
      () => ({ endpoint, event }),
    );
    const accepted = arrived.find(([, line]) => line.accepted);
    if (accepted !== undefined) acceptedAt = Math.max(before, accepted[0]);
  }
}

function deliveryOf({ webhooks }: Evidence["snapshot"], { id }: { id: string }) {
  return webhooks.deliveries.filter(({ event_id }) => event_id === id);
}
