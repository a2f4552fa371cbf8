import { expect } from "@jest/globals";
import { definitionOf } from "../../../core/errors.ts";
import "../../../services/api/api.errors.ts";

/**
 * SQL, stack frames, files and tables, which no response may contain. The project writes the words of
 * SQL in capitals, unlike those of sentences. A stack frame has no digit before the line and column,
 * unlike a time after the words "at least".
 */
export const internals =
  /\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE)\b|(?i:\b(relation|constraint|violates|sequelize|postgres|argon2|node_modules|call stack)\b|\bat .+\D:\d+:\d+|\.(ts|js|mjs)\b|file:\/\/|pg_|password_hash|email_key|order_lines|known_|former_prices|reservation|stock_changes|signing_keys|first_admin)/;

/** The `extensions` of an error. */
export interface ExpectedError {
  code: string;
  fields?: { field: string; message: string }[];
  [key: string]: unknown;
}

/** Checks the general form of an error response. Returns the extensions of the first error. */
export async function clientErrorIn(response: Response): Promise<ExpectedError> {
  const text = await response.text();
  expect(response.status).toBeLessThan(500);
  expect(response.headers.get("content-type")).toMatch(/json/);
  // Only the beginning is checked, because a message may quote the request.
  expect(text.slice(0, 5_000)).not.toMatch(internals);
  const { errors = [] } = JSON.parse(text) as {
    errors?: { message: string; extensions: ExpectedError }[];
  };
  for (const { message, extensions } of errors) {
    expect(message).toMatch(/\S{2,} \S{2,}/);
    expect(definitionOf(extensions.code)).toBeDefined();
    if (extensions.code !== "BAD_USER_INPUT") continue;
    expect(extensions.fields?.length).toBeGreaterThan(0);
    for (const field of extensions.fields ?? []) {
      expect(field).toEqual({ field: expect.any(String), message: expect.stringMatching(/\S/) });
    }
  }
  const [first] = errors;
  if (first === undefined) throw new Error(`expected an error response: ${text}`);
  return first.extensions;
}

/** Sends a document that must be rejected. Returns the extensions of the first error. */
export async function clientErrorOf(
  url: string,
  query: string,
  variables: object,
  token?: string,
): Promise<ExpectedError> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: token }) },
    body: JSON.stringify({ query, variables }),
  });
  return clientErrorIn(response);
}
