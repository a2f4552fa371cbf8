import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { graphqlFrom } from "../support/http/from-address.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

const tries = 80;

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
  // An account for each try, so that none has to wait; all have the same password.
  await shop.signIn("known");
  await shop.databases.query(
    "users",
    `INSERT INTO users (id, email, email_key, username, password_hash, type)
     SELECT gen_random_uuid(), email, email, username, password_hash, type
     FROM (SELECT 'known' || n || '@example.com' AS email, username, password_hash, type
           FROM users, generate_series(1, $1) AS n) AS copies`,
    [tries],
  );
});
afterAll(() => shop.stop());

/** The milliseconds until a wrong password is refused, sent from an address of its own. */
async function refusalMs(email: string, address: string): Promise<number> {
  const startedAt = performance.now();
  const { code } = await graphqlFrom(
    address,
    shop.url,
    "mutation ($input: Login!) { login(input: $input) { token } }",
    { variables: { input: { email, password: "a wrong password" } } },
  );
  const tookMs = performance.now() - startedAt;
  expect(code).toBe("INVALID_CREDENTIALS");
  return tookMs;
}

/**
 * How likely one of these is larger than one of those (Mann-Whitney): 0.5 where nothing tells them
 * apart. It counts ranks, so that a machine that is busy now and then does not move it.
 */
function likelihoodOfLarger(these: number[], those: number[]): number {
  const pairs = these.flatMap((one) => those.map((other) => Math.sign(one - other)));
  return (pairs.reduce((sum, sign) => sum + sign, 0) / pairs.length + 1) / 2;
}

test("how long a login takes does not tell whether the email has an account", async () => {
  const known: number[] = [];
  const unknown: number[] = [];
  for (let n = 1; n <= tries; n += 1) {
    // In turn, and each first as often, so that nothing but the email makes a difference.
    const askKnown = async () =>
      known.push(await refusalMs(`known${n}@example.com`, `127.2.1.${n}`));
    const askUnknown = async () =>
      unknown.push(await refusalMs(`other${n}@example.com`, `127.2.2.${n}`));
    for (const ask of n % 2 === 0 ? [askKnown, askUnknown] : [askUnknown, askKnown]) await ask();
  }
  const likelihood = likelihoodOfLarger(known, unknown);
  // Of 80 equal ones each, chance leads outside of this once in 100,000 runs.
  expect(likelihood).toBeGreaterThan(0.3);
  expect(likelihood).toBeLessThan(0.7);
});
