import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { graphqlFrom } from "../support/http/from-address.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

const attempts = 80;

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
  // One account per attempt, so that no attempt is throttled. All have the same password.
  await shop.signIn("known");
  await shop.databases.query(
    "users",
    `INSERT INTO users (id, email, email_key, username, password_hash, type)
     SELECT gen_random_uuid(), email, email, username, password_hash, type
     FROM (SELECT 'known' || n || '@example.com' AS email, username, password_hash, type
           FROM users, generate_series(1, $1) AS n) AS copies`,
    [attempts],
  );
});
afterAll(() => shop.stop());

/** Measures the milliseconds until a wrong password is rejected. Each call has its own address. */
async function rejectionMs(email: string, address: string): Promise<number> {
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
 * Returns the probability that a value of `a` is larger than one of `b` (Mann-Whitney): 0.5 for equal
 * distributions. It uses ranks, so that outliers of a busy machine do not matter.
 */
function probabilityOfLarger(a: number[], b: number[]): number {
  const pairs = a.flatMap((x) => b.map((y) => Math.sign(x - y)));
  return (pairs.reduce((sum, sign) => sum + sign, 0) / pairs.length + 1) / 2;
}

test("the duration of a failed login does not reveal whether the email has an account", async () => {
  const known: number[] = [];
  const unknown: number[] = [];
  for (let n = 1; n <= attempts; n += 1) {
    // Alternating, and each first equally often, so that only the email differs.
    const tryKnown = async () =>
      known.push(await rejectionMs(`known${n}@example.com`, `127.2.1.${n}`));
    const tryUnknown = async () =>
      unknown.push(await rejectionMs(`other${n}@example.com`, `127.2.2.${n}`));
    for (const attempt of n % 2 === 0 ? [tryKnown, tryUnknown] : [tryUnknown, tryKnown])
      await attempt();
  }
  const probability = probabilityOfLarger(known, unknown);
  // With equal distributions of 80 values, chance exceeds these limits once in 100,000 runs.
  expect(probability).toBeGreaterThan(0.3);
  expect(probability).toBeLessThan(0.7);
});
