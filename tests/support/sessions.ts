import jwt from "jsonwebtoken";
import { password, type TestShop } from "./shop.ts";

/** What login and refreshToken give. */
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

/** Registers somebody whom no other test knows. */
export async function newAccount(shop: TestShop, type = 0): Promise<Account> {
  accounts += 1;
  const username = `account${accounts}`;
  const email = `${username}@example.com`;
  const user = { email, username, password, type };
  return { ...(await shop.call<{ id: string }>("users.register", user)), email };
}

/** Signs in by GraphQL; throws the code of a refusal. */
export async function logIn(
  shop: TestShop,
  { email }: Pick<Account, "email">,
  secret = password,
): Promise<Tokens> {
  const document = `mutation ($input: Login!) { login(input: $input) ${fields} }`;
  const variables = { input: { email, password: secret } };
  const { data, code } = await shop.graphql<{ login: Tokens }>(document, { variables });
  if (!data) throw new Error(`login was answered ${code ?? ""}`);
  return data.login;
}

/** Refreshes by GraphQL; gives the tokens, or the code of the refusal. */
export async function tryRefresh(shop: TestShop, token: string): Promise<Tokens | string> {
  const document = `mutation ($token: String!) { refreshToken(token: $token) ${fields} }`;
  const answer = await shop.graphql<{ refreshToken: Tokens }>(document, { variables: { token } });
  return answer.data?.refreshToken ?? answer.code ?? "";
}

/** The same where it must not be refused. */
export async function refresh(shop: TestShop, token: string): Promise<Tokens> {
  const answer = await tryRefresh(shop, token);
  if (typeof answer === "string") throw new Error(`refreshToken was answered ${answer}`);
  return answer;
}

/** The session of an access token. */
export function sessionIdOf(token: string): string {
  return (jwt.decode(token) as { sid: string }).sid;
}

/** Whether gateways are told, at their next poll, that the access token's session has ended. */
export async function isToldAsEnded(shop: TestShop, token: string): Promise<boolean> {
  const { ids } = await shop.call<{ ids: string[] }>("users.endedSessions");
  return ids.includes(sessionIdOf(token));
}
