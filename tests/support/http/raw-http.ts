import { connect, type Socket } from "node:net";
import { eventually } from "../../../tools/support/eventually.ts";

/** A TCP connection on which a test writes bytes. */
export interface RawConnection {
  socket: Socket;
  /** The received bytes so far. */
  received: () => string;
  isClosed: () => boolean;
}

/** Opens a TCP connection to the host of a URL. */
export function openRaw(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  let isClosed = false;
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  // The server may reset the connection while the test writes.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
  });
  return { socket, received: () => text, isClosed: () => isClosed };
}

/** Sends bytes. Returns the received bytes when the server has closed the connection. */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<string> {
  const connection = openRaw(url);
  connection.socket.write(bytes);
  try {
    await eventually("the server closing the connection", () => connection.isClosed());
  } finally {
    connection.socket.destroy();
  }
  return connection.received();
}

/** Returns the status codes of the responses in the received bytes. */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
