import type { Server } from "node:http";
import { isIPv6, type AddressInfo } from "node:net";

/** The server cannot listen on its port. The command prints the message without a stack. */
class ListenError extends Error {
  override readonly name = "ListenError";
}

/**
 * Listens on a port. Rejects with a ListenError.
 *
 * @param setting the setting that names the port, for the message of the error
 */
export function listen(
  server: Server,
  port: number,
  host: string,
  setting = "PORT",
): Promise<void> {
  const noAddress = `HOST ${host} is no address of this machine; for example HOST=127.0.0.1.`;
  return new Promise((resolve, reject) => {
    server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      const other = port < 1_024 ? port + 8_000 : port < 65_535 ? port + 1 : port - 1;
      const example = `for example ${setting}=${other}`;
      const reasons: Record<string, string> = {
        EADDRINUSE: `Port ${port} is taken by another program; choose another one, ${example}.`,
        EACCES: `Port ${port} needs the rights of root; choose one from 1024 on, ${example}.`,
        EADDRNOTAVAIL: noAddress,
        ENOTFOUND: `HOST ${host} is not the name of an address; for example HOST=127.0.0.1.`,
      };
      const reason =
        reasons[code ?? ""] ??
        `Cannot listen on HOST ${host} and port ${port} (${message}); set another HOST, for example HOST=127.0.0.1.`;
      reject(new ListenError(reason));
    });
    server.listen(port, host, () => {
      if (!isOfMany(addressOf(server)?.address ?? "")) resolve();
      else
        server.close(() => {
          reject(new ListenError(noAddress));
        });
    });
  });
}

/** Returns true for a multicast or broadcast address: Linux listens on it, but nobody can connect. */
function isOfMany(address: string): boolean {
  return /^(?:22[4-9]|23\d)\.|^255\.255\.255\.255$/.test(address);
}

function addressOf(server: Server): AddressInfo | undefined {
  const address = server.address();
  return typeof address === "object" ? (address ?? undefined) : undefined;
}

/** Returns the port of a listening server, which the system chose if PORT is 0. */
export function portOf(server: Server): number {
  return addressOf(server)?.port ?? 0;
}

/** Returns the address of a listening server, and how to open a local one to other machines. */
export function listeningAt(server: Server, host: string): string {
  const at = `http://${isIPv6(host) ? `[${host}]` : host}:${portOf(server)}`;
  return isLoopback(host) ? `${at}, for this machine only (HOST=0.0.0.0: for all)` : at;
}

/** Returns true if a HOST accepts connections of this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}
