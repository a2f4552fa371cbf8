import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ConfigReader } from "./config-reader.ts";

/** The connection to NATS. A single-process shop has none. */
export interface NatsConfig {
  servers: string[];
  user: string | undefined;
  password: string | undefined;
  token: string | undefined;
  /** PEM files. TLS is used if a file is set or a server's URL is `tls://`. */
  tls: TlsFiles | undefined;
}

interface TlsFiles {
  caFile?: string;
  certFile?: string;
  keyFile?: string;
}

/** Reads the settings of NATS. They are checked without TRANSPORTER, too, which turns NATS on. */
export function readNats(read: ConfigReader): NatsConfig | undefined {
  const urls = read.urls("TRANSPORTER");
  const tls = readTlsFiles(read);
  const set = {
    user: read.text("NATS_USER"),
    password: read.text("NATS_PASSWORD"),
    token: read.text("NATS_TOKEN"),
  };
  if (urls === undefined) return undefined;
  if (urls.some((url) => url?.host === "")) {
    read.fault("TRANSPORTER", "must name a host for each server");
  }
  const credentials = urls.find((url) => url?.username);
  const name = decoded(read, credentials?.username);
  const user = set.user ?? name;
  const password = set.password ?? decoded(read, credentials?.password);
  // As all clients of NATS do: nats://token@host.
  const isToken = user !== undefined && user === name && password === undefined;
  if (user === undefined && password !== undefined) {
    read.fault("NATS_USER", "must be set if there is a password");
  }
  const usesTls = Object.keys(tls).length > 0 || urls.some((url) => url?.protocol === "tls:");
  return {
    servers: urls.map((url) => (url === undefined ? "" : url.host)),
    user: isToken ? undefined : user,
    password,
    token: set.token ?? (isToken ? user : undefined),
    tls: usesTls ? tls : undefined,
  };
}

function decoded(read: ConfigReader, part: string | undefined): string | undefined {
  if (part === undefined || part === "") return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    read.fault("TRANSPORTER", "must have user and password percent-encoded");
    return undefined;
  }
}

type FileName = "NATS_TLS_CA_FILE" | "NATS_TLS_CERT_FILE" | "NATS_TLS_KEY_FILE";

function readTlsFiles(read: ConfigReader): TlsFiles {
  const certificate = (text: string) => new X509Certificate(text);
  const ca = readPem(read, "NATS_TLS_CA_FILE", "certificate", certificate);
  const cert = readPem(read, "NATS_TLS_CERT_FILE", "certificate", certificate);
  const key = readPem(
    read,
    "NATS_TLS_KEY_FILE",
    "private key without a password",
    createPrivateKey,
  );
  if ((cert === undefined) !== (key === undefined)) {
    read.mustBeSetTogether("NATS_TLS_CERT_FILE", "NATS_TLS_KEY_FILE");
  }
  const isPair = !cert?.content || !key?.content || cert.content.checkPrivateKey(key.content);
  if (!isPair) {
    read.invalid("NATS_TLS_KEY_FILE", "must name the key of NATS_TLS_CERT_FILE", ", not", key.path);
  }
  return {
    ...(ca && { caFile: ca.path }),
    ...(cert && { certFile: cert.path }),
    ...(key && { keyFile: key.path }),
  };
}

/** Reads a PEM file. Its content is undefined if the file is invalid. */
function readPem<Content>(
  read: ConfigReader,
  name: FileName,
  kind: string,
  parse: (text: string) => Content,
): { path: string; content: Content | undefined } | undefined {
  const path = read.file(name);
  if (path === undefined) return undefined;
  if (read.hasFault(name)) return { path, content: undefined };
  try {
    const text = readFileSync(path, "utf8");
    // The parser accepts other formats, and OpenSSL ignores them.
    if (text.includes("-----BEGIN ")) return { path, content: parse(text) };
  } catch {
    // The fault says what the file must be.
  }
  read.invalid(name, `must name a PEM file with a ${kind}`, ", not", path);
  return { path, content: undefined };
}
