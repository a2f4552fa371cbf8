import { inspect } from "node:util";

/**
 * Prints what a log line names besides text. Of a packet between nodes, which Moleculer logs when
 * it cannot be understood, only where it comes from: it may carry a password.
 */
export function logPrinter(colors: boolean): (value: object) => string {
  return (value) =>
    inspect("payload" in value ? { ...value, payload: senderOf(value.payload) } : value, {
      depth: 2,
      colors,
      breakLength: Infinity,
    });
}

function senderOf(payload: unknown): object {
  const isObject = typeof payload === "object" && payload !== null;
  return { sender: isObject && "sender" in payload ? payload.sender : undefined };
}
