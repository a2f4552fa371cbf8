import { inspect } from "node:util";

/**
 * Returns a function that prints the objects of a log line. Moleculer logs packets that it cannot
 * process; of these only the sender is printed, since a payload may contain a password.
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
