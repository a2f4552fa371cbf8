import type { REPLEval, REPLServer } from "node:repl";
import { inspect, styleText } from "node:util";
import type { CallingOptions, ServiceBroker } from "moleculer";
import repl from "moleculer-repl";
import { isClientError, isUnreachable } from "../core/errors.ts";
import { LineFault, readCall } from "./call-line.ts";

/** Node reads `eval` for every line. Its type declares the property as read-only. */
type ConsoleServer = REPLServer & { eval: REPLEval };

/**
 * Opens Moleculer's console on a broker. `exit`, Ctrl-D or Ctrl-C twice stops the broker and ends
 * the program. Commands run one after the other; commands from a pipe finish before the end.
 */
export function openConsole(broker: ServiceBroker): REPLServer {
  const server = repl(broker, { delimiter: "mol $", customCommands: null }) as ConsoleServer;
  const evaluate = server.eval;
  let finished = Promise.resolve();
  server.eval = (command, context, file, done) => {
    finished = finished.then(async () => {
      if (await call(broker, command)) {
        // The console would print a second argument.
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
    say(`>> Call '${action}'${nodeID === undefined ? "" : ` on ${nodeID}`} with params:`, params);
    const startedMs = performance.now();
    const response = await broker.call(action, params, {
      ...(callOptions as CallingOptions),
      ...(nodeID !== undefined && { nodeID }),
      meta: { ...meta, $repl: true },
    });
    say(`>> Execution time: ${Math.round(performance.now() - startedMs)} ms`);
    say(">> Response:");
    console.log(inspect(response, { depth: 4, colors: true }));
  } catch (error) {
    showError(error);
  }
  return true;
}

/** Returns the rules of an action's parameters, or none if no node has the action. */
function rulesOf(broker: ServiceBroker, action: string): Record<string, unknown> {
  const endpoint = broker.findNextActionEndpoint(action);
  return endpoint instanceof Error ? {} : (endpoint.action.params ?? {});
}

/** Prints the code, message and data of an expected error, and the stack of a fault. */
function showError(error: unknown): void {
  const { message, stack, type, data } = error as Partial<Error> & {
    type?: string;
    data?: unknown;
  };
  const isExpected = isClientError(error) || isUnreachable(type) || type === "SERVICE_UNAVAILABLE";
  const code = isExpected ? `${String(type)}: ` : "";
  console.error(styleText(["red", "bold"], `>> ERROR: ${code}${message ?? String(error)}`));
  if (!isExpected && !(error instanceof LineFault)) console.error(styleText("red", stack ?? ""));
  const hasData = typeof data === "object" && data !== null && Object.keys(data).length > 0;
  if (hasData) console.error("Data:", inspect(data, { depth: 4, colors: true }));
}

function say(text: string, ...values: unknown[]): void {
  console.log(styleText(["yellow", "bold"], text), ...values);
}
