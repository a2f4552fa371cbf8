import type { REPLEval, REPLServer } from "node:repl";
import type { CallingOptions, ServiceBroker } from "moleculer";
import repl from "moleculer-repl";

/** Node's types do not tell that it reads this anew for every line. */
type ConsoleServer = REPLServer & { eval: REPLEval };

/**
 * Opens Moleculer's console on a broker. Its end, by `exit`, Ctrl-D or Ctrl-C twice, stops the
 * broker and ends the program; commands from a pipe run one after the other until then.
 */
export function openConsole(broker: ServiceBroker): REPLServer {
  const server = repl(broker, { delimiter: "mol $", customCommands: null }) as ConsoleServer;
  const evaluate = server.eval;
  let line = "";
  let finished = Promise.resolve();
  server.eval = (command, context, file, done) => {
    finished = finished.then(
      () =>
        new Promise((resolve) => {
          line = command;
          evaluate.call(server, command, context, file, (...result) => {
            done(...result);
            resolve();
          });
        }),
    );
  };

  const call = broker.call.bind(broker);
  broker.call = (action: string, params?: unknown, options?: CallingOptions) =>
    options?.meta?.$repl === true
      ? call(action, withTexts(params, textParams(broker, action), line), options)
      : call(action, params, options);

  server.removeAllListeners("exit");
  server.once("exit", () => {
    // Nobody at a terminal wants to wait for what is still running.
    void (process.stdin.isTTY ? Promise.resolve() : finished)
      .then(() => broker.stop())
      .then(() => process.exit(0));
  });
  return server;
}

/** The parameters of an action that are texts. */
function textParams(broker: ServiceBroker, action: string): string[] {
  const endpoint = broker.findNextActionEndpoint(action);
  const rules = endpoint instanceof Error ? {} : (endpoint.action.params ?? {});
  return Object.entries(rules as Record<string, { type?: string }>)
    .filter(([, rule]) => rule.type === "string")
    .map(([name]) => name);
}

/**
 * The console makes numbers of all flags that look like one, `--password 12345678` too. Where the
 * action wants a text, it gets the one that was typed.
 */
function withTexts(params: unknown, names: string[], line: string): unknown {
  if (typeof params !== "object" || params === null) return params;
  const texts = names.flatMap((name) => {
    const typed = new RegExp(` --${name}[= ]+["']?([^\\s"']+)`).exec(line)?.[1];
    const given = (params as Record<string, unknown>)[name];
    return typed === undefined || given === undefined || typeof given === "string"
      ? []
      : [[name, typed] as const];
  });
  return { ...params, ...Object.fromEntries(texts) };
}
