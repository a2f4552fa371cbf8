import type { REPLEval, REPLServer } from "node:repl";
import { inspect, styleText } from "node:util";
import type { CallingOptions, ServiceBroker } from "moleculer";
import repl from "moleculer-repl";
import { isClientError, isUnreachable } from "../core/errors.ts";
import { LineFault, readCall } from "./call-line.ts";

/** Node's types do not tell that it reads this anew for every line. */
type ConsoleServer = REPLServer & { eval: REPLEval };

/**
 * Opens Moleculer's console on a broker. Its end, by `exit`, Ctrl-D or Ctrl-C twice, stops the
 * broker and ends the program; commands from a pipe run one after the other until then.
 */
export function openConsole(broker: ServiceBroker): REPLServer {
  const server = repl(broker, { delimiter: "mol $", customCommands: null }) as ConsoleServer;
  const evaluate = server.eval;
  let finished = Promise.resolve();
  server.eval = (command, context, file, done) => {
    finished = finished.then(async () => {
      if (await call(broker, command)) {
        // With a second argument it would show that.
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
    // Nobody at a terminal wants to wait for what is still running.
    void (process.stdin.isTTY ? Promise.resolve() : finished)
      .then(() => broker.stop())
      .then(() => process.exit(0));
  });
  return server;
}

/**
 * Calls what a line says, if it is a call: the console's own command makes numbers of texts that
 * look like one, and shows the stack of an expected error. Says whether it was one.
 */
async function call(broker: ServiceBroker, line: string): Promise<boolean> {
  try {
    const asked = readCall(line, (action) => rulesOf(broker, action));
    if (asked === undefined) return false;
    const { nodeId, action, params, meta, options } = asked;
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

/** The rules of an action's parameters; none where nobody has it. */
function rulesOf(broker: ServiceBroker, action: string): Record<string, unknown> {
  const endpoint = broker.findNextActionEndpoint(action);
  return endpoint instanceof Error ? {} : (endpoint.action.params ?? {});
}

/** An expected error is told by its code, its sentence and its data; a fault with its stack. */
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
