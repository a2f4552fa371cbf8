import { unknownIssuer } from "../../../core/errors.ts";
import { ForbiddenAddressError } from "../endpoints/address-rules.ts";

/** An error of Node, of its DNS client or of OpenSSL. */
interface ConnectionFault {
  code?: unknown;
  /** The call that failed: `connect`, `getaddrinfo`, `queryA`. */
  syscall?: unknown;
}

const notFound = "was not found";
const noAddress = "has no address";
const noDns = "could not be resolved: DNS does not answer";

/** What is wrong with a host name, by the code of its resolution. */
const nameFaults: Readonly<Record<string, string>> = {
  ENOTFOUND: notFound,
  EAI_NONAME: notFound,
  ENODATA: noAddress,
  EAI_NODATA: noAddress,
  EAI_AGAIN: noDns,
  ETIMEOUT: noDns,
  ESERVFAIL: "could not be resolved: DNS reports a failure",
};

/** What happened to a connection, by its code. */
const connectionFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: "The connection was refused",
  ECONNRESET: "The connection was closed before the endpoint answered",
  EPIPE: "The connection was closed before the endpoint answered",
  ETIMEDOUT: "The host did not answer",
  EHOSTUNREACH: "The host cannot be reached",
  EHOSTDOWN: "The host cannot be reached",
  ENETUNREACH: "The network of the host cannot be reached",
  EADDRNOTAVAIL: "The network of the host cannot be reached",
  CERT_HAS_EXPIRED: "The certificate of the endpoint has expired",
  CERT_NOT_YET_VALID: "The certificate of the endpoint is not valid yet",
  CERT_REVOKED: "The certificate of the endpoint was revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "The certificate of the endpoint is for another host name",
  HPE_HEADER_OVERFLOW: "The headers of the answer are too long",
};

/**
 * Returns why an attempt without an answer failed: a sentence for admins, and the code for operators.
 * It contains no address of the shop's network.
 */
export function failureText(fault: unknown, hostname: string): string {
  if (fault instanceof ForbiddenAddressError) {
    return `The host name ${hostname} has an address that is not public.`;
  }
  const { code, syscall } = fault as ConnectionFault;
  if (typeof code !== "string") return "The connection failed.";
  return `${sentenceOf(code, syscall, hostname)} (${code}).`;
}

function sentenceOf(code: string, syscall: unknown, hostname: string): string {
  if (isOfName(code, syscall)) return `The host name ${hostname} ${nameFaults[code] ?? noDns}`;
  const known = connectionFaults[code];
  if (known !== undefined) return known;
  if (unknownIssuer.test(code)) return "The certificate of the endpoint is not from a known CA";
  if (code.includes("CERT")) return "The certificate of the endpoint is not valid";
  if (/^(?:ERR_SSL|ERR_TLS|EPROTO)/.test(code)) return "The TLS handshake with the endpoint failed";
  if (code.startsWith("HPE_")) return "The endpoint did not answer with HTTP";
  return "The connection failed";
}

/** The DNS client can fail with codes of connections, too: that is its connection to DNS. */
function isOfName(code: string, syscall: unknown): boolean {
  return code in nameFaults || syscall === "getaddrinfo" || String(syscall).startsWith("query");
}
