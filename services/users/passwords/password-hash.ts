import { availableParallelism } from "node:os";
import argon2, { type Options } from "@node-rs/argon2";
import { eventLoopLoad } from "../../../core/tasks/event-loop-load.ts";
import { Turns } from "../../../core/tasks/turns.ts";
import { tooManyLogins } from "../users.errors.ts";

/** OWASP's second choice for argon2id (19 MiB, 2 passes), which takes about 20 ms of one core. */
const parameters = {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
} satisfies Options;

/** Half of libuv's four threads: file and DNS work goes on while passwords are hashed. */
const maxConcurrent = 2;
/** With fewer cores, two hashes take them from a busy event loop and from PostgreSQL. */
const coresForAll = 4;
/** From this load of the event loop on, it needs a core of its own. */
const busyLoad = 0.7;
const loadWindowMs = 50;
/** Further requests are rejected at once, because they would time out anyway. */
const maxWaiting = 100;
const retryAfterSeconds = 2;

const load = eventLoopLoad(loadWindowMs);
const turns = new Turns({
  limit: () => (availableParallelism() < coresForAll && load() >= busyLoad ? 1 : maxConcurrent),
  rejection: (waiting) => (waiting < maxWaiting ? undefined : tooManyLogins(retryAfterSeconds)),
});

/** A hash for logins with an unknown email, so that they take as long as those with a known one. */
let dummyHash: Promise<string> | undefined;

/** Returns the PHC string of a password. Throws TOO_MANY_REQUESTS if too many requests wait. */
export function hashPassword(password: string): Promise<string> {
  return turns.run(() => argon2.hash(password.normalize("NFKC"), parameters));
}

/**
 * Returns whether the password matches the hash. Without a hash, returns false after the same work.
 * Throws TOO_MANY_REQUESTS if too many requests wait.
 */
export async function verifyPassword(password: string, phc: string | undefined): Promise<boolean> {
  dummyHash ??= argon2.hash("a password nobody has", parameters);
  const compared = phc ?? (await dummyHash);
  const matches = await turns.run(() => argon2.verify(compared, password.normalize("NFKC")));
  return matches && phc !== undefined;
}

/** Returns whether a hash was made with weaker parameters than the present ones. */
export function needsRehash(phc: string): boolean {
  const [, algorithm, , costs = ""] = phc.split("$");
  const cost = new Map(costs.split(",").map((part) => part.split("=") as [string, string]));
  return (
    algorithm !== "argon2id" ||
    Number(cost.get("m")) < parameters.memoryCost ||
    Number(cost.get("t")) < parameters.timeCost
  );
}

/** Returns how many hashes of this process are running, and how many wait for their turn. */
export function hashQueue(): { running: number; waiting: number } {
  return turns.counts;
}
