import { connect } from "node:net";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { find, natsServer } from "./prerequisites.ts";
import { freePort, startProgram, type Program } from "./processes.ts";

/** A real nats-server on a port of its own, which it keeps when it is started again. */
export interface NatsServer {
  /** `nats://127.0.0.1:port`, without credentials. */
  url: string;
  start(): Promise<void>;
  killHard(): Promise<void>;
}

const certificates = join(import.meta.dirname, "tls");
/** The authority that signed the certificate of `tls` servers. */
export const caFile = join(certificates, "test-ca.pem");

/** A server that asks for what its arguments say; it has to be started. */
export async function createNatsServer(...args: string[]): Promise<NatsServer> {
  const file = find(natsServer);
  if (file === undefined) throw new Error(natsServer.help);
  const port = await freePort();
  let server: Program | undefined;
  return {
    url: `nats://127.0.0.1:${port}`,
    async start() {
      server = startProgram(file, ["--addr", "127.0.0.1", "--port", String(port), ...args]);
      await eventually("nats-server listening", () => isListening(port));
    },
    async killHard() {
      await server?.killHard();
    },
  };
}

/** Arguments of a server that speaks TLS only. */
export const tlsArguments = [
  "--tls",
  "--tlscert",
  join(certificates, "test-server.pem"),
  "--tlskey",
  join(certificates, "test-server-key.pem"),
];

/** The URL of the server that NATS_URL names for the tests, else of one that is started. */
export async function anyNatsServer(): Promise<string> {
  if (process.env.NATS_URL !== undefined) return process.env.NATS_URL;
  const server = await createNatsServer();
  await server.start();
  return server.url;
}

/** Whether anybody listens on a port of this machine. */
export function isListening(port: number): Promise<boolean> {
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
