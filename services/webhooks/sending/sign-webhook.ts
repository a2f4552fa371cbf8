import { createHmac } from "node:crypto";
import { secretPrefix } from "../endpoints/webhook-secrets.ts";

/**
 * Returns the headers of the Standard Webhooks specification (version 1, HMAC-SHA256): one signature
 * for each secret, so that receivers can change to a new one at any time.
 */
export function signatureHeaders(
  id: string,
  at: Date,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = Math.floor(at.getTime() / 1_000).toString();
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(secretPrefix.length), "base64");
    const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`);
    return `v1,${hmac.digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}
