import { createPublicKey, generateKeyPair, randomUUID, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import jwt from "jsonwebtoken";
import type { UsersDatabase } from "./users.database.ts";
import { tokenIdentity, type PublicKey, type User } from "./users.contract.ts";

/** Any number; it keeps two replicas from both making the first key. */
const firstKeyLock = 7_240_002;

/**
 * Makes the first signing key where there is none. The private half stays in the users database;
 * everybody else verifies with the public one.
 */
export async function ensureSigningKey({ models, transaction }: UsersDatabase): Promise<void> {
  await transaction(async (work) => {
    await work.query("SELECT pg_advisory_xact_lock($1)", [firstKeyLock]);
    if ((await models.signingKeys.count({ transaction: work.transaction })) > 0) return;
    await models.signingKeys.create(await newKey(), { transaction: work.transaction });
  });
}

async function newKey() {
  const pair = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const kid = randomUUID();
  return {
    kid,
    privatePem: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicJwk: publicKey(kid, pair.publicKey),
  };
}

function publicKey(kid: string, key: KeyObject): PublicKey {
  return { ...key.export({ format: "jwk" }), kid, alg: tokenIdentity.algorithm, use: "sig" };
}

/** The public keys, newest first. */
export async function publicKeys({ models, read }: UsersDatabase): Promise<PublicKey[]> {
  const keys = await read(() => models.signingKeys.findAll({ order: [["createdAt", "DESC"]] }));
  return keys.map(({ kid, privatePem }) => publicKey(kid, createPublicKey(privatePem)));
}

/** Signs a token that says who somebody is, with the newest key. */
export async function signToken(
  { models, read }: UsersDatabase,
  user: User,
  ttlSeconds: number,
): Promise<string> {
  const key = await read(() => models.signingKeys.findOne({ order: [["createdAt", "DESC"]] }));
  if (key === null) throw new Error("the users database holds no signing key");
  return jwt.sign({ type: user.type }, key.privatePem, {
    algorithm: tokenIdentity.algorithm,
    keyid: key.kid,
    issuer: tokenIdentity.issuer,
    audience: tokenIdentity.audience,
    subject: user.id,
    expiresIn: ttlSeconds,
  });
}
