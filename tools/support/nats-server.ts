import { connect } from "node:net";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { find, natsServer, PrerequisiteError } from "./prerequisites.ts";
import { freePort, startProgram, type Program } from "./processes.ts";

/** A nats-server on a free port, which it keeps when it is restarted. */
export interface NatsServer {
  /** `nats://127.0.0.1:port`, without credentials. */
  url: string;
  port: number;
  /** Starts the server, unless it runs. */
  start(): Promise<void>;
  /** Stops the process without closing its connections, as a machine that hangs. */
  pause(): void;
  killHard(): Promise<void>;
}

const certificates = join(import.meta.dirname, "tls");
/** The authority that signed the certificate of `tls` servers. */
export const caFile = join(certificates, "test-ca.pem");
export const certFile = join(certificates, "test-server.pem");
export const keyFile = join(certificates, "test-server-key.pem");

/** Prepares a server with these arguments. The caller starts it. */
export async function createNatsServer(...args: string[]): Promise<NatsServer> {
  const file = find(natsServer);
  if (file === undefined) throw new PrerequisiteError(natsServer.help);
  const port = await freePort();
  let server: Program | undefined;
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    async start() {
      server ??= startProgram(file, ["--addr", "127.0.0.1", "--port", String(port), ...args]);
      await eventually("nats-server listening", () => isListening(port));
    },
    pause() {
      server?.signal("SIGSTOP");
    },
    async killHard() {
      await server?.killHard();
      server = undefined;
    },
  };
}

/** Arguments of a server that accepts only TLS. */
export const tlsArguments = ["--tls", "--tlscert", certFile, "--tlskey", keyFile];

/** Returns the URL in NATS_URL if it is set, else starts a server. */
export async function anyNatsServer(): Promise<string> {
  if (process.env.NATS_URL !== undefined) return process.env.NATS_URL;
  const server = await createNatsServer();
  await server.start();
  return server.url;
}

/** Whether a process listens on a port of this machine. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(port, "127.0.0.1");
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => {
      resolve(false);
    });
  });
}
