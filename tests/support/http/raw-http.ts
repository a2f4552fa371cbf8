import { connect, type Socket } from "node:net";
import { eventually } from "../../../tools/support/eventually.ts";

/** A connection on which a test writes its bytes itself. */
export interface RawConnection {
  socket: Socket;
  /** All that has come back. */
  received: () => string;
  isClosed: () => boolean;
}

export function openRaw(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  let isClosed = false;
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  // The server may cut a connection on which something is still being written.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
  });
  return { socket, received: () => text, isClosed: () => isClosed };
}

/** Sends bytes as they are, and gives all that comes back until the server closes. */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<string> {
  const connection = openRaw(url);
  connection.socket.write(bytes);
  try {
    await eventually("the server closes the connection", () => connection.isClosed());
  } finally {
    connection.socket.destroy();
  }
  return connection.received();
}

/** The answers in what came back over one connection. */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
