import type { REPLEval, REPLServer } from "node:repl";
import { inspect, styleText } from "node:util";
import type { CallingOptions, ServiceBroker } from "moleculer";
import repl from "moleculer-repl";
import { isClientError, isServiceUnavailable } from "../../core/errors.ts";
import { actionsOf, actionTable, nearestName, rulesOf } from "./action-list.ts";
import { readBenchmark } from "./bench-line.ts";
import { LineFault, readCall } from "./call-line.ts";
import { completeCall, type Completion } from "./complete-call.ts";
import { withWritableHistory } from "./history-file.ts";
import { runBenchmark } from "./run-benchmark.ts";

type Completer = (line: string, done: (error: null, completion: Completion) => void) => void;

/** Node reads both properties for every line. Its type declares them as read-only. */
type ConsoleServer = Omit<REPLServer, "completer"> & { eval: REPLEval; completer: Completer };

const greeting = [
  "actions lists all actions with their parameters, help all commands; Tab completes, exit leaves.",
  "  call products.create --name Mug --description '' --price 990 --stock 20",
  "  call orders.page --first 10      (newest first; orders.list begins with the oldest)",
];

/**
 * Opens Moleculer's REPL on a broker. `exit`, Ctrl-D or Ctrl-C twice stops the broker and ends
 * the program. Commands run one after the other; commands from a pipe finish before the end.
 */
export function openRepl(broker: ServiceBroker): REPLServer {
  process.stdout.write(`${greeting.join("\n")}\n`);
  const opened: unknown = withWritableHistory(() =>
    repl(broker, { delimiter: "mol $", customCommands: null }),
  );
  const server = opened as ConsoleServer;
  const complete = server.completer.bind(server);
  server.completer = (line, done) => {
    const completion = completeCall(line, (action) => rulesOf(broker, action));
    if (completion === undefined) complete(line, done);
    else done(null, completion);
  };
  const evaluate = server.eval;
  let finished = Promise.resolve();
  server.eval = (command, context, file, done) => {
    finished = finished.then(async () => {
      const isDone =
        listActions(broker, command) ||
        (await call(broker, command)) ||
        (await benchmark(broker, command));
      if (isDone) {
        // The REPL would print a second argument.
        (done as (error: null) => void)(null);
        return;
      }
      await new Promise<void>((resolve) => {
        evaluate.call(server, command, context, file, (...result) => {
          done(...result);
          resolve();
        });
      });
    });
  };

  server.removeAllListeners("exit");
  server.once("exit", () => {
    // At a terminal, running commands are not awaited.
    void (process.stdin.isTTY ? Promise.resolve() : finished)
      .then(() => broker.stop())
      .then(() => process.exit(0));
  });
  return server;
}

/**
 * Runs a line `actions` or `actions PATTERN`. Moleculer's command has a column of parameters that is
 * wider than a terminal; it still runs with flags. Returns false for any other line.
 */
function listActions(broker: ServiceBroker, line: string): boolean {
  const [command, pattern] = /^\s*actions(?:\s+([^\s-]\S*))?\s*$/.exec(line) ?? [];
  if (command === undefined) return false;
  console.log(actionTable(actionsOf(broker), pattern));
  return true;
}

/**
 * Runs a line that is a call. Moleculer's command would convert texts that look like a number, and
 * print the stack of an expected error. Returns false for a line that is no call.
 */
async function call(broker: ServiceBroker, line: string): Promise<boolean> {
  try {
    const parsed = readCall(line, (action) => rulesOf(broker, action));
    if (parsed === undefined) return false;
    const { nodeId, action, params, meta, options } = parsed;
    const { local, ...callOptions } = options;
    const nodeID = local === true ? broker.nodeID : nodeId;
    const missing = reasonOfAbsence(broker, action, nodeID);
    if (missing !== undefined) {
      printError(missing);
      return true;
    }
    say(`>> Call '${action}'${nodeID === undefined ? "" : ` on ${nodeID}`} with params:`, params);
    const startedMs = performance.now();
    const response = await broker.call(action, params, {
      ...(callOptions as CallingOptions),
      ...(nodeID !== undefined && { nodeID }),
      meta: { ...meta, $repl: true },
    });
    say(`>> Execution time: ${Math.round(performance.now() - startedMs)} ms`);
    say(">> Response:");
    console.log(printed(response, process.stdout));
  } catch (error) {
    showError(error);
  }
  return true;
}

/**
 * Runs a line `bench ACTION …` until its end: Moleculer's command returns before. Prints why a line is
 * no valid benchmark. Returns false for any other line.
 */
async function benchmark(broker: ServiceBroker, line: string): Promise<boolean> {
  try {
    const parsed = readBenchmark(line, (action) => rulesOf(broker, action));
    if (parsed === undefined) return false;
    const missing = reasonOfAbsence(broker, parsed.call.action, undefined);
    if (missing === undefined) await runBenchmark(broker, parsed);
    else printError(missing);
  } catch (error) {
    showError(error);
  }
  return true;
}

/**
 * Returns why no node can be called. Moleculer would log a warning for each look-up, and throw an
 * error with the same words.
 */
function reasonOfAbsence(
  broker: ServiceBroker,
  action: string,
  nodeID: string | undefined,
): string | undefined {
  const { registry } = broker;
  const actions = actionsOf(broker);
  if (actions.some(({ name }) => name === action)) {
    if (nodeID === undefined) return undefined;
    // Undefined, in spite of its type, for another node.
    const endpoint = registry.getActionEndpointByNodeId(action, nodeID) as unknown;
    return endpoint ? undefined : `SERVICE_NOT_FOUND: The node ${nodeID} has no action ${action}.`;
  }
  if (registry.actions.get(action) !== undefined) {
    return `SERVICE_NOT_AVAILABLE: No node with the action ${action} is running.`;
  }
  const names = actions.map(({ name }) => name);
  const nearest = nearestName(action, names);
  const advice = nearest === undefined ? "The command actions lists all." : `Is it ${nearest}?`;
  return `SERVICE_NOT_FOUND: There is no action ${action}. ${advice}`;
}

/** Prints the code, message and data of an expected error, and the stack of a fault. */
function showError(error: unknown): void {
  const { message, stack, type, code, data } = error as Partial<Error> & {
    type?: string;
    code?: unknown;
    data?: unknown;
  };
  // A service outside this project has codes that the catalogue does not know.
  const isRejection = isClientError(error) || (typeof code === "number" && code < 500);
  const isExpected = isRejection || isServiceUnavailable(error);
  printError(`${isExpected && type !== undefined ? `${type}: ` : ""}${message ?? String(error)}`);
  if (!isExpected && !(error instanceof LineFault))
    console.error(styleText("red", stack ?? "", { stream: process.stderr }));
  const hasData = typeof data === "object" && data !== null && Object.keys(data).length > 0;
  if (hasData) console.error("Data:", printed(data, process.stderr));
}

function printError(sentence: string): void {
  console.error(styleText(["red", "bold"], `>> ERROR: ${sentence}`, { stream: process.stderr }));
}

/** Prints all of a value: an operator repairs the shop with what an answer contains. */
export function printed(value: unknown, stream: NodeJS.WriteStream): string {
  const all = { depth: Infinity, maxArrayLength: null, maxStringLength: null };
  return inspect(value, { ...all, colors: hasColors(stream) });
}

/** A pipe gets no color codes. */
function hasColors(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.hasColors();
}

function say(text: string, ...values: unknown[]): void {
  console.log(styleText(["yellow", "bold"], text), ...values);
}
