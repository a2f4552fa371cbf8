import { graphql } from "../../../tools/support/graphql-client.ts";
import { mutations } from "../graphql/mutations.ts";

interface Sender {
  token?: string;
  idempotencyKey?: string;
}

/** Sends a mutation over HTTP. Returns the value of its only field, or undefined after an error. */
export async function tryMutation<Value = { id: string }>(
  url: string,
  document: string,
  { token, idempotencyKey }: Sender = {},
): Promise<Value | undefined> {
  const headers: Record<string, string> =
    idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
  const { data } = await graphql<Record<string, Value>>(url, document, { token, headers });
  return Object.values(data ?? {})[0];
}

/** Sends a mutation over HTTP that must succeed. Returns the value of its only field. */
export async function mutate<Value = { id: string }>(
  url: string,
  document: string,
  sender: Sender = {},
): Promise<Value> {
  const value = await tryMutation<Value>(url, document, sender);
  if (value === undefined) throw new Error(`the mutation failed: ${document}`);
  return value;
}

/** Registers the first admin of an empty shop (`admin@example.com`), and signs the admin in. */
export async function registerFirstAdmin(url: string): Promise<{ id: string; token: string }> {
  const { id } = await mutate(url, mutations.registerUser("admin", 1));
  const { token } = await mutate<{ token: string }>(url, mutations.login("admin"));
  return { id, token };
}
