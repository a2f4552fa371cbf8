import { hash, verify, type Options } from "@node-rs/argon2";
import { tooManyLogins } from "../users.errors.ts";

/** OWASP's second choice for argon2id (19 MiB, 2 passes), which costs some 20 ms of one core. */
const parameters = {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
} satisfies Options;

/** Half of libuv's four threads: file and DNS work goes on while passwords are hashed. */
const maxConcurrent = 2;
/** What waits beyond this is refused at once: it would time out anyway. */
const maxWaiting = 100;
const retryAfterSeconds = 2;

/** Hashes of a password nobody has, so that an unknown email costs what a known one does. */
let nobodysHash: Promise<string> | undefined;

/** Gives the PHC string of a password. Throws TOO_MANY_REQUESTS when too many wait. */
export function hashPassword(password: string): Promise<string> {
  return withTurn(() => hash(password.normalize("NFKC"), parameters));
}

/**
 * Tells whether the password belongs to the hash; without a hash it works as hard and says no.
 * Throws TOO_MANY_REQUESTS when too many wait.
 */
export async function verifyPassword(password: string, phc: string | undefined): Promise<boolean> {
  nobodysHash ??= hash("a password nobody has", parameters);
  const compared = phc ?? (await nobodysHash);
  const matches = await withTurn(() => verify(compared, password.normalize("NFKC")));
  return matches && phc !== undefined;
}

/** True for a hash made with weaker parameters than today's. */
export function needsRehash(phc: string): boolean {
  const [, algorithm, , costs = ""] = phc.split("$");
  const cost = new Map(costs.split(",").map((part) => part.split("=") as [string, string]));
  return (
    algorithm !== "argon2id" ||
    Number(cost.get("m")) < parameters.memoryCost ||
    Number(cost.get("t")) < parameters.timeCost
  );
}

let running = 0;
const waiting: (() => void)[] = [];

/** Runs the work when fewer than `maxConcurrent` hashes are under way, first come first served. */
async function withTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  if (waiting.length >= maxWaiting) throw tooManyLogins(retryAfterSeconds);
  if (running >= maxConcurrent) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await work();
  } finally {
    // The turn is handed on, so that nobody slips in between.
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
