import type { Kind } from "../history.ts";
import { canonical } from "./events/event-text.ts";
import { signature, type Evidence } from "./evidence.ts";
import { Findings } from "./findings.ts";
import { ofKind, type Operation } from "./operations.ts";

/** Checks invariant 5: an idempotency key never has two effects. */
export function checkKeys(evidence: Evidence): Findings {
  const findings = new Findings(5);
  checkAnswers(evidence, findings);
  checkEffects(evidence, findings);
  checkOtherInputs(evidence, findings);
  checkRecordedAnswers(evidence, findings);
  return findings;
}

/** All requests with the same key get the same answer. */
function checkAnswers({ operations }: Evidence, findings: Findings): void {
  for (const operation of operations) {
    if (operation.key === null) continue;
    findings.count("keys", 1);
    findings.count("requests sent again", operation.requests.length - 1);
    const answers = new Set(operation.answers.map(canonical));
    findings.expect(
      answers.size <= 1,
      "requests with the same key get the same answer",
      "one answer",
      () => ({ ...described(operation), answers: operation.answers.slice(0, 3) }),
    );
  }
}

/** Operations whose effects cannot be told apart in the tables, and the number of those effects. */
interface EffectClass {
  rows: number;
  operations: Operation[];
}

/** There are no more effects than operations, however often each was sent. */
function checkEffects(evidence: Evidence, findings: Findings): void {
  const classes = new Map<string, EffectClass>();
  const classOf = (name: string) => {
    const found = classes.get(name) ?? { rows: 0, operations: [] };
    classes.set(name, found);
    return found;
  };
  for (const operation of evidence.operations) {
    const name = effectOf(operation);
    if (name !== undefined) classOf(name).operations.push(operation);
  }
  for (const name of effectsIn(evidence)) classOf(name).rows += 1;
  for (const [name, { rows, operations }] of classes) {
    // Effects without an operation, and of rejected ones, violate other invariants.
    if (operations.length === 0) continue;
    findings.count("effects", rows);
    findings.expect(
      rows <= operations.length,
      "a key has one effect",
      `at most ${operations.length} of: ${name}`,
      () => ({ effects: rows, operations: operations.slice(0, 3).map(described) }),
    );
  }
}

/** Describes the effect of an operation in the words of `effectsIn`. */
function effectOf(operation: Operation): string | undefined {
  const { kind, user, input } = operation;
  const caller = String(user);
  if (kind === "placeOrder") return `order ${caller} ${signature(input.lines)}`;
  if (kind === "addStock") return `added ${caller} ${input.product_id} ${input.number}`;
  if (kind === "subtractStock") return `subtracted ${caller} ${input.product_id} ${input.number}`;
  if (kind === "createProduct") return `product ${input.name}`;
  if (kind === "updatePrice") return `price of ${input.product_id}`;
  if (kind === "registerUser") return `user ${input.username}`;
  return undefined;
}

/** Describes the effects that the tables hold. */
function effectsIn({ snapshot, orderLines }: Evidence): string[] {
  const changes = snapshot.products.stock_changes.flatMap(
    ({ reason, product_id, change, user_id }) =>
      reason === "ADDED" || reason === "SUBTRACTED"
        ? [`${reason.toLowerCase()} ${String(user_id)} ${product_id} ${Math.abs(change)}`]
        : [],
  );
  return [
    ...snapshot.orders.orders.map(
      ({ id, user_id }) => `order ${user_id} ${signature(orderLines(id))}`,
    ),
    ...changes,
    ...snapshot.products.products.flatMap(({ id, name, version }) => [
      `product ${name}`,
      ...Array.from({ length: version - 1 }, () => `price of ${id}`),
    ]),
    ...snapshot.users.users.map(({ username }) => `user ${username}`),
  ];
}

/** A key succeeds with one input only. */
function checkOtherInputs({ operations }: Evidence, findings: Findings): void {
  const idempotent = operations.filter(({ key }) => key !== null);
  const byKey = Map.groupBy(
    idempotent,
    ({ user, kind, key }) => `${String(user)} ${kind} ${String(key)}`,
  );
  for (const sameKey of byKey.values()) {
    if (sameKey.length < 2) continue;
    findings.count("keys sent with another input", 1);
    const succeeded = sameKey.filter(({ outcome }) => outcome === "ok");
    findings.expect(
      succeeded.length <= 1,
      "a key succeeds with one input only",
      "one operation that succeeds",
      () => ({ operations: sameKey.map(described) }),
    );
  }
}

/** The record of a key and its effect are committed together: neither exists without the other. */
function checkRecordedAnswers({ operations, snapshot }: Evidence, findings: Findings): void {
  const recorded = new Map<string, number>();
  for (const { answer } of snapshot.orders.idempotency_keys) {
    const id = idOf(answer);
    if (id !== undefined) recorded.set(id, (recorded.get(id) ?? 0) + 1);
  }
  const acknowledged = new Map<string, Operation[]>();
  for (const operation of [
    ...ofKind(operations, "placeOrder"),
    ...ofKind(operations, "cancelOrder"),
    ...ofKind(operations, "shipOrder"),
    ...ofKind(operations, "completeOrder"),
  ]) {
    const id = operation.answers[0]?.id;
    if (operation.key === null || id === undefined) continue;
    acknowledged.set(id, [...(acknowledged.get(id) ?? []), operation]);
  }
  for (const [order, sameOrder] of acknowledged) {
    findings.count("answers recorded", sameOrder.length);
    findings.expect(
      (recorded.get(order) ?? 0) >= sameOrder.length,
      "the answer of a key is recorded with its effect",
      `${sameOrder.length} recorded answers with the order ${order}`,
      () => ({ recorded: recorded.get(order) ?? 0, operations: sameOrder.map(described) }),
    );
  }
  const orders = new Set(snapshot.orders.orders.map(({ id }) => id));
  for (const row of snapshot.orders.idempotency_keys) {
    findings.expect(
      row.answer !== null || row.subject === null || !orders.has(row.subject),
      "an order is written with the answer of its key",
      "an answer",
      () => ({ key: row }),
    );
  }
}

function idOf(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("id" in answer)) return undefined;
  return typeof answer.id === "string" ? answer.id : undefined;
}

function described({ op, kind, key, user, input, outcome, requests }: Operation): {
  op: number;
  kind: Kind;
} & Record<string, unknown> {
  const attempts = requests.map((request) =>
    request.outcome === "ok" ? "ok" : `${request.outcome} ${request.code}`,
  );
  return { op, kind, key, user, input, outcome, attempts };
}
