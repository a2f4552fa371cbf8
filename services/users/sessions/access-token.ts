import jwt from "jsonwebtoken";
import { writeRefreshToken } from "./refresh-secrets.ts";
import type { Grant } from "./sessions.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { tokenIdentity, type Token } from "../users.contract.ts";

/** Signs the access token of a grant. Returns it with the refresh token. */
export async function tokensOf(keys: SigningKeys, grant: Grant): Promise<Token> {
  const { kid, privateKey } = await keys.signingKey();
  const iat = grant.grantedAt;
  const exp = iat + grant.ttlSeconds;
  const { type, mayOperate } = grant.user;
  const claims = { type, ...(mayOperate && { operate: true }), sid: grant.sessionId, iat, exp };
  const token = jwt.sign(claims, privateKey, {
    algorithm: tokenIdentity.algorithm,
    keyid: kid,
    issuer: tokenIdentity.issuer,
    audience: tokenIdentity.audience,
    subject: grant.user.id,
  });
  return {
    token,
    refreshToken: writeRefreshToken(grant.refreshToken),
    expiresAt: new Date(exp * 1_000).toISOString(),
    user: grant.user,
  };
}
