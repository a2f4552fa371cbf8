import type { Rules } from "./action-list.ts";
import { callOf, LineFault, wordsOf, type Call } from "./call-line.ts";

/** A line `bench ACTION …`: the call to repeat, and the options of Moleculer's command. */
export interface Benchmark {
  call: Call;
  options: {
    /** The number of calls. */
    num?: number;
    /** The duration in seconds. */
    time?: number;
    nodeID?: string;
  };
}

/** The flags of Moleculer's command; the other ones are parameters of the action. */
const ownFlag = /^--(?:num|time|nodeID)(?:=|$)/;

/**
 * Reads a line `bench ACTION …`, whose parameters have the forms of `call`. Moleculer's command
 * takes them as JSON only, and ignores flags. Returns undefined for any other line, and for a
 * question for help. Throws LineFault.
 *
 * @param rulesOf returns the rules of an action's parameters
 */
export function readBenchmark(
  line: string,
  rulesOf: (action: string) => Rules,
): Benchmark | undefined {
  if (!/^\s*bench\s/.test(line)) return undefined;
  const words = wordsOf(line).slice(1);
  if (words.some(({ text, isQuoted }) => !isQuoted && /^(?:-h|--help)$/.test(text))) {
    return undefined;
  }
  const options: Benchmark["options"] = {};
  for (let at = 0; at < words.length;) {
    const { text = "", isQuoted = false } = words[at] ?? {};
    if (isQuoted || !ownFlag.test(text)) {
      at += 1;
      continue;
    }
    const own = words.splice(at, text.includes("=") ? 1 : 2).map((word) => word.text);
    setOption(options, own.join("="));
  }
  const action = words.shift()?.text;
  if (action === undefined || action.startsWith("-")) return undefined;
  const call = callOf({ nodeId: undefined, action }, words, rulesOf(action));
  if (Object.keys(call.options).length > 0) {
    throw new LineFault("bench has no calling options: leave out the flags that begin with --$.");
  }
  return { call, options };
}

function setOption(options: Benchmark["options"], flag: string): void {
  const [, name = "", value = ""] = /^--(\w+)(?:=([^]*))?$/.exec(flag) ?? [];
  if (name === "nodeID") {
    options.nodeID = value;
    return;
  }
  if (!/^[1-9]\d*$/.test(value)) throw new LineFault(`--${name} must be a whole number from 1 on.`);
  options[name === "num" ? "num" : "time"] = Number(value);
}
