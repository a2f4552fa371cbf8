import { connect as connectSocket } from "node:net";
import type { NatsError } from "nats";
import type { Transporters } from "moleculer";
import { unknownIssuer } from "../core/errors.ts";

export type NatsOptions = NonNullable<ConstructorParameters<typeof Transporters.NATS>[0]>;

/** Longer than a server needs that answers, shorter than the pause between two log lines. */
const probeTimeoutMs = 2_000;

/** An error of Node or of OpenSSL. */
interface SocketError extends Error {
  code?: string;
  /** The short text of OpenSSL. */
  reason?: string;
}

const probeSeconds = probeTimeoutMs / 1_000;

/** What a server does first that does not begin as NATS. The first ones are the most hopeful. */
const openingFaults = {
  silent: `a server accepts the connection, but has sent no INFO line within ${probeSeconds} s; it may be starting, or is no NATS: correct TRANSPORTER`,
  closed:
    "a server closes the connection without an INFO line; it may be starting, or is no NATS: correct TRANSPORTER",
  unanswered: `a server does not answer attempts to connect within ${probeSeconds} s; correct TRANSPORTER, or the firewall before the server`,
  other: "a server answers in another protocol than that of NATS; correct TRANSPORTER",
} as const;

type OpeningFault = keyof typeof openingFaults;

/** Reasons by the codes of the client whose messages do not tell what to correct. */
const reasons: ReadonlyMap<string, string> = new Map([
  [
    "AUTHORIZATION_VIOLATION",
    "the server rejects the credentials or their absence; correct NATS_USER and NATS_PASSWORD, or NATS_TOKEN",
  ],
  ["TIMEOUT", `a server does not complete the connection within ${probeSeconds} s`],
]);

function missingOption(option: string): string {
  const remedy = option === "tls" ? "; use nats:// in TRANSPORTER, and no NATS_TLS_ file" : "";
  return `the server does not support ${option}${remedy}`;
}

/**
 * Returns why a connection fails. It opens a connection of its own, because the client that retries
 * does not report the reason. Returns undefined if that connection succeeds.
 */
export async function connectionFaultOf(options: NatsOptions): Promise<string | undefined> {
  const fault = await openingFaultOf(options);
  if (fault !== undefined) return openingFaults[fault];
  const { connect } = await import("nats");
  const once = {
    waitOnFirstConnect: false,
    reconnect: false,
    timeout: probeTimeoutMs,
    // The handler of the other connection counts its attempts.
    reconnectDelayHandler: () => 0,
  };
  try {
    const probe = await connect({ ...(options as object), ...once });
    await probe.close();
    return undefined;
  } catch (error) {
    const { message, code, chainedError } = error as NatsError;
    if (code === "SERVER_OPT_NA") return missingOption(message);
    return reasons.get(code) ?? textOf(chainedError ?? (error as SocketError));
  }
}

const usualPort = 4222;

/** Returns what is wrong with the beginning of all servers; undefined if the client can tell. */
async function openingFaultOf(options: NatsOptions): Promise<OpeningFault | undefined> {
  // Moleculer's type omits it.
  const { servers = [] } = options as { servers?: string | string[] };
  const faults = await Promise.all([servers].flat().map(openingOf));
  if (faults.includes(undefined)) return undefined;
  const names = Object.keys(openingFaults) as OpeningFault[];
  return names.find((name) => faults.includes(name));
}

const firstWord = "INFO";

/** Returns undefined also for a server that rejects the connection: the client tells why. */
function openingOf(server: string): Promise<OpeningFault | undefined> {
  const { hostname, port } = new URL(server.includes("://") ? server : `nats://${server}`);
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port: Number(port) || usualPort });
    const end = (fault: OpeningFault | undefined) => {
      socket.destroy();
      resolve(fault);
    };
    socket.setTimeout(probeTimeoutMs, () => {
      end(socket.connecting ? "unanswered" : "silent");
    });
    socket.once("data", (bytes) => {
      const word = bytes.toString("latin1", 0, firstWord.length).toUpperCase();
      end(firstWord.startsWith(word) ? undefined : "other");
    });
    socket.once("end", () => {
      end("closed");
    });
    socket.once("error", () => {
      end(undefined);
    });
  });
}

function textOf({ code = "", reason, message }: SocketError): string {
  if (unknownIssuer.test(code)) {
    return `the CA of its certificate is not in NATS_TLS_CA_FILE, ${code}`;
  }
  if (code === "ENOTFOUND") return `the name of a host is unknown, ${message}; correct TRANSPORTER`;
  // The server ends the handshake with an alert, or closes the connection.
  if (reason?.includes("alert") === true) {
    return `the server rejects the certificate of this node or its absence, ${reason}; correct NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE`;
  }
  // The server quotes its errors.
  return (reason ?? message).replaceAll("'", "");
}
