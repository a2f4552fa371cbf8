import jwt from "jsonwebtoken";
import { password, type TestShop } from "./shop.ts";

/** The result of login and refreshToken. */
export interface Tokens {
  token: string;
  refreshToken: string;
  expiresAt: string;
}

export interface Account {
  id: string;
  email: string;
}

const fields = "{ token refreshToken expiresAt }";
let accounts = 0;

/** Registers a new user with a unique name. */
export async function newAccount(shop: TestShop, type = 0): Promise<Account> {
  accounts += 1;
  const username = `account${accounts}`;
  const email = `${username}@example.com`;
  const user = { email, username, password, type };
  return { ...(await shop.call<{ id: string }>("users.register", user)), email };
}

/** Signs in over GraphQL. Throws an error with the code if the login is rejected. */
export async function logIn(
  shop: TestShop,
  { email }: Pick<Account, "email">,
  secret = password,
): Promise<Tokens> {
  const document = `mutation ($input: Login!) { login(input: $input) ${fields} }`;
  const variables = { input: { email, password: secret } };
  const { data, code } = await shop.graphql<{ login: Tokens }>(document, { variables });
  if (!data) throw new Error(`login failed with ${code ?? "no code"}`);
  return data.login;
}

/** Refreshes over GraphQL. Returns the tokens, or the code of the error. */
export async function tryRefresh(shop: TestShop, token: string): Promise<Tokens | string> {
  const document = `mutation ($token: String!) { refreshToken(token: $token) ${fields} }`;
  const answer = await shop.graphql<{ refreshToken: Tokens }>(document, { variables: { token } });
  return answer.data?.refreshToken ?? answer.code ?? "";
}

/** Refreshes over GraphQL. Throws an error with the code if it is rejected. */
export async function refresh(shop: TestShop, token: string): Promise<Tokens> {
  const answer = await tryRefresh(shop, token);
  if (typeof answer === "string") throw new Error(`refreshToken failed with ${answer}`);
  return answer;
}

/** Returns the session id of an access token. */
export function sessionIdOf(token: string): string {
  return (jwt.decode(token) as { sid: string }).sid;
}

/** Whether the next poll of the gateways reports the session of the access token as ended. */
export async function isReportedAsEnded(shop: TestShop, token: string): Promise<boolean> {
  const { ids } = await shop.call<{ ids: string[] }>("users.endedSessions");
  return ids.includes(sessionIdOf(token));
}
