import type { NatsError } from "nats";
import type { Transporters } from "moleculer";
import { unknownIssuer } from "../core/network/certificate-faults.ts";

export type NatsOptions = NonNullable<ConstructorParameters<typeof Transporters.NATS>[0]>;

/** Longer than a server needs that answers, shorter than the pause between two log lines. */
const probeTimeoutMs = 2_000;

/** An error of Node or of OpenSSL. */
interface SocketError extends Error {
  code?: string;
  /** The short text of OpenSSL. */
  reason?: string;
}

/**
 * Returns why a connection fails. It opens a connection of its own, because the client that retries
 * does not report the reason. Returns undefined if that connection succeeds.
 */
export async function connectionFaultOf(options: NatsOptions): Promise<string | undefined> {
  const { connect } = await import("nats");
  const once = { waitOnFirstConnect: false, reconnect: false, timeout: probeTimeoutMs };
  try {
    const probe = await connect({ ...(options as object), ...once });
    await probe.close();
    return undefined;
  } catch (error) {
    const { message, code, chainedError } = error as NatsError;
    if (code === "SERVER_OPTION_NA") return `the server does not support ${message}`;
    return textOf(chainedError ?? (error as SocketError));
  }
}

function textOf({ code = "", reason, message }: SocketError): string {
  if (unknownIssuer.test(code)) {
    return `the CA of its certificate is not in NATS_TLS_CA_FILE, ${code}`;
  }
  // The server ends the handshake with an alert, or closes the connection.
  if (reason?.includes("alert") === true) {
    return `the server rejects the certificate of this node or its absence, ${reason}; correct NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE`;
  }
  // The server quotes its errors.
  return (reason ?? message).replaceAll("'", "");
}
