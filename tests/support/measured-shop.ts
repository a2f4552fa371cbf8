import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { cloneDatabases } from "./databases.ts";
import type { Measures, Question, Reply } from "./shop-process.ts";
import { clientOf, type ReachableShop } from "./shop.ts";

/**
 * A shop in a process of its own, which measures itself. A Jest worker cannot be measured: it also
 * runs Jest, earlier test files and the clients.
 */
export interface MeasuredShop extends ReachableShop {
  measure<Name extends keyof Measures>(name: Name): Promise<Measures[Name]>;
}

/** Starts a shop with these settings on new databases. */
export async function startMeasuredShop(env: Record<string, string> = {}): Promise<MeasuredShop> {
  const databases = await cloneDatabases();
  const program = join(import.meta.dirname, "shop-process.ts");
  const child = fork(program, [JSON.stringify([env, databases.urls])], {
    execArgv: ["--expose-gc"],
  });
  const ended = once(child, "exit");

  async function reply(): Promise<unknown> {
    const end = ended.then(([status]): Reply => ({
      fault: `the process ended with ${String(status)}`,
    }));
    const message = once(child, "message").then(([sent]) => sent as Reply);
    const answer = await Promise.race([message, end]);
    if ("fault" in answer) throw new Error(`shop process: ${answer.fault}`);
    return answer.value;
  }

  let last: Promise<unknown> = reply();
  /** Sends a question after the answer to the previous one. */
  function ask(question: Question): Promise<unknown> {
    const answer = last.then(() => {
      child.send(question);
      return reply();
    });
    last = answer.catch(() => undefined);
    return answer;
  }

  const url = (await last) as string;
  return {
    ...clientOf(url, databases, (action, params) => ask({ call: action, params })),
    measure: async <Name extends keyof Measures>(name: Name) =>
      (await ask({ measure: name })) as Measures[Name],
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
      await databases.drop();
    },
  };
}
