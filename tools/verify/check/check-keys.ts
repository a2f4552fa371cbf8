import type { Kind } from "../history.ts";
import { canonical } from "./event-text.ts";
import { signature, type Evidence } from "./evidence.ts";
import { Findings } from "./findings.ts";
import { ofKind, type Operation } from "./operations.ts";

/** Invariant 5: the same idempotency key never has two effects. */
export function checkKeys(evidence: Evidence): Findings {
  const findings = new Findings(5);
  checkAnswers(evidence, findings);
  checkEffects(evidence, findings);
  checkOtherInputs(evidence, findings);
  checkKeptAnswers(evidence, findings);
  return findings;
}

/** Whoever sends the same again is answered the same. */
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

/** Operations of which one looks like the other, and what they have left in the tables. */
interface Class {
  rows: number;
  operations: Operation[];
}

/** No more effects than there were operations, however often each was sent. */
function checkEffects(evidence: Evidence, findings: Findings): void {
  const classes = new Map<string, Class>();
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
    // What nobody asked for, and what was refused, is the matter of other invariants.
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

/** What an operation makes, in a way that is the same in the tables. */
function effectOf(operation: Operation): string | undefined {
  const { kind, user, input } = operation;
  const by = String(user);
  if (kind === "placeOrder") return `order ${by} ${signature(input.lines)}`;
  if (kind === "addStock") return `added ${by} ${input.product_id} ${input.number}`;
  if (kind === "subtractStock") return `subtracted ${by} ${input.product_id} ${input.number}`;
  if (kind === "createProduct") return `product ${input.name}`;
  if (kind === "registerUser") return `user ${input.username}`;
  return undefined;
}

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
    ...snapshot.products.products.map(({ name }) => `product ${name}`),
    ...snapshot.users.users.map(({ username }) => `user ${username}`),
  ];
}

/** A key that has its answer takes no other input. */
function checkOtherInputs({ operations }: Evidence, findings: Findings): void {
  const keyed = operations.filter(({ key }) => key !== null);
  const byKey = Map.groupBy(
    keyed,
    ({ user, kind, key }) => `${String(user)} ${kind} ${String(key)}`,
  );
  for (const sameKey of byKey.values()) {
    if (sameKey.length < 2) continue;
    findings.count("keys sent with another input", 1);
    const done = sameKey.filter(({ outcome }) => outcome === "ok");
    findings.expect(
      done.length <= 1,
      "a key belongs to one input",
      "one input that succeeds",
      () => ({ operations: sameKey.map(described) }),
    );
  }
}

/** The record of a key is committed with its effect: neither is there without the other. */
function checkKeptAnswers({ operations, snapshot }: Evidence, findings: Findings): void {
  const kept = new Map<string, number>();
  for (const { answer } of snapshot.orders.idempotency_keys) {
    const id = idOf(answer);
    if (id !== undefined) kept.set(id, (kept.get(id) ?? 0) + 1);
  }
  const wanted = new Map<string, Operation[]>();
  for (const operation of [
    ...ofKind(operations, "placeOrder"),
    ...ofKind(operations, "cancelOrder"),
  ]) {
    const id = operation.answers[0]?.id;
    if (operation.key === null || id === undefined) continue;
    wanted.set(id, [...(wanted.get(id) ?? []), operation]);
  }
  for (const [order, keyed] of wanted) {
    findings.count("answers kept", keyed.length);
    findings.expect(
      (kept.get(order) ?? 0) >= keyed.length,
      "the answer of a key is kept with its effect",
      `${keyed.length} kept answers with the order ${order}`,
      () => ({ kept: kept.get(order) ?? 0, operations: keyed.map(described) }),
    );
  }
  const orders = new Set(snapshot.orders.orders.map(({ id }) => id));
  for (const row of snapshot.orders.idempotency_keys) {
    findings.expect(
      row.answer !== null || row.subject === null || !orders.has(row.subject),
      "an order is not written without the answer of its key",
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
