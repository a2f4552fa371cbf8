import { createRequire } from "node:module";
import { inspect } from "node:util";
import type { BrokerOptions } from "moleculer";
import { pino, stdTimeFunctions, type Logger, type LoggerOptions } from "pino";
import { codeOf } from "../core/errors.ts";
import { LogBudget } from "../core/logging/log-budget.ts";
import { LogFields } from "../core/logging/log-fields.ts";
import { currentTraceIds } from "../core/tracing/trace.ts";

/**
 * Returns Moleculer's option `logger`: pino, which writes one JSON object per line, or colored text
 * for a person at a terminal.
 *
 * @param logFormat `json` or another name for text; undefined: text if the output is a terminal
 */
export function logger(logFormat: string | undefined): NonNullable<BrokerOptions["logger"]> {
  const isJson = (logFormat ?? (process.stdout.isTTY ? "pretty" : "json")) === "json";
  const format = isJson ? (line: string) => line : prettyPrinter();
  // Not pino's own destination, which throws if a pipe is full or closed.
  const root = pino(options, { write: (line) => process.stdout.write(format(line)) });
  const createLogger = (level: string, bindings: Bindings) => {
    const created = root.child(sourceOf(bindings), { level });
    return bindings.mod === "broker" ? limitCallWarnings(created) : created;
  };
  return { type: "Pino", options: { createLogger } };
}

const maxCallWarningsPerSecond = 20;
/** Moleculer logs these for each call, so that an unavailable service would flood the log. */
const callWarning =
  /^(?:Service '.*' is not available\.|Request '.*' is timed out\.|Retry to call )/;

function limitCallWarnings(broker: Logger): Logger {
  const { warn } = broker;
  const write = (...args: unknown[]) => {
    Reflect.apply(warn, broker, args);
  };
  const budget = new LogBudget(maxCallWarningsPerSecond, (left_out) => {
    const fields = new LogFields({ left_out });
    write(fields, `${left_out} warnings about calls were left out of the log.`);
  });
  broker.warn = (...args: unknown[]) => {
    const [text] = args;
    if (typeof text !== "string" || !callWarning.test(text) || budget.take()) write(...args);
  };
  return broker;
}

/** What Moleculer says of the origin of a line: a service, or a module such as the transporter. */
interface Bindings {
  nodeID: string;
  ns: string;
  mod: string;
  svc?: string;
}

function sourceOf({ nodeID, ns, mod, svc }: Bindings) {
  return { namespace: ns, node: nodeID, service: svc ?? mod };
}

/** Loaded only if it is used: most nodes write JSON. */
function prettyPrinter(): (line: string) => string {
  const require = createRequire(import.meta.url);
  const { prettyFactory } = require("pino-pretty") as typeof import("pino-pretty");
  return prettyFactory({
    colorize: process.stdout.isTTY,
    translateTime: "UTC:yyyy-mm-dd'T'HH:MM:ss.l'Z'",
    ignore: "service,node,namespace,trace_id,span_id",
    messageFormat: "{service}: {msg}",
  });
}

const options: LoggerOptions = {
  // Moleculer's bindings replace the process id and the host name.
  base: null,
  timestamp: stdTimeFunctions.isoTime,
  serializers: { err: describeError },
  formatters: { level: (label) => ({ level: label }) },
  mixin: currentTraceIds,
  hooks: {
    logMethod(args, method) {
      method.apply(this, toPino(args));
    },
  },
};

/** Moleculer logs texts, objects and errors in any order; pino takes one object and one text. */
function toPino(args: unknown[]): [object, string] {
  const error = args.find((arg) => arg instanceof Error);
  const fields = args.find((arg) => arg instanceof LogFields)?.fields;
  const isText = (arg: unknown) => !(arg instanceof LogFields);
  if (error === undefined) return [{ ...fields }, args.filter(isText).map(toText).join(" ")];
  const words = args.filter((arg) => arg !== error && isText(arg)).map(toText);
  return [{ ...fields, err: error }, words.length > 0 ? words.join(" ") : error.message];
}

/**
 * Moleculer logs packets that it cannot process; of these only the sender is printed, since a
 * payload may contain a password.
 */
function toText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const printed = "payload" in value ? { ...value, payload: senderOf(value.payload) } : value;
  return inspect(printed, { depth: 2, breakLength: Infinity });
}

function senderOf(payload: unknown): object {
  const isObject = typeof payload === "object" && payload !== null;
  return { sender: isObject && "sender" in payload ? payload.sender : undefined };
}

/** The logged fields of an error. No others: a driver's error quotes values of rows. */
interface ErrorFields {
  type: string;
  message: string;
  /** The error code of the shop, of Node or of PostgreSQL. */
  code: unknown;
  /** The node on which it happened, if that is another one. */
  node: unknown;
  stack: string | undefined;
  cause: ErrorFields | undefined;
}

function describeError(error: unknown): ErrorFields | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message, stack, cause } = error;
  const { nodeID } = error as { nodeID?: unknown };
  return {
    type: name,
    message,
    code: codeOf(error),
    node: nodeID,
    stack,
    cause: describeError(cause),
  };
}
