import { join } from "node:path";
import { parseArgs } from "node:util";
import { numberOf, readArgument } from "../support/arguments.ts";

/** The options of `npm run bench`. */
export interface Arguments {
  isQuick: boolean;
  /** The time that the measurements share. */
  minutes: number;
  /** Selects measurements by their label. */
  only: RegExp | undefined;
  /** Products and orders of the large shop. */
  rows: number;
  isSoak: boolean;
  isProfiled: boolean;
  /** The results file of an earlier run, to compare with. */
  compare: string | undefined;
  /** A results file that takes the place of a run. */
  results: string | undefined;
  out: string;
  help: boolean;
}

export const defaultMinutes = 5;
const defaultRows = 1_000_000;
const minutes = { min: 1, max: 24 * 60 };
const rows = { min: 50_000, max: 100_000_000 };

export const usage = `npm run bench -- [options]

  --minutes N      time that the measurements share (default ${defaultMinutes}): more rounds, narrower intervals
  --quick          one short round and no intervals, without the shops with observability and many rows
  --only PATTERN   only measurements whose label matches, for example "placeOrder" or "login|ready"
  --rows N         products and orders of the large shop (default ${defaultRows.toLocaleString("en")}; 10,000,000 need 35 GB of disk)
  --soak           also nine minutes of orders at full load
  --profile        writes a CPU profile of the shop per scenario
  --compare FILE   prints the differences to the results.json of an earlier run
  --results FILE   takes the results from this file, and measures nothing
  --out DIR        folder of the output (default: ${join("data", "bench")})
  --help           prints this help

Exit status: 0 everything was measured; 1 a measurement failed; 130 after Ctrl-C.
`;

/**
 * Parses the command line.
 *
 * @throws ArgumentError for an unknown option or value
 */
export function readArguments(args: string[]): Arguments {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = readArgument(() =>
    parseArgs({
      args,
      options: {
        minutes: text,
        quick: flag,
        only: text,
        rows: text,
        soak: flag,
        profile: flag,
        compare: text,
        results: text,
        out: text,
        help: flag,
      },
    }),
  );
  return {
    isQuick: values.quick,
    minutes: numberOf("--minutes", values.minutes ?? String(defaultMinutes), minutes),
    only: values.only === undefined ? undefined : patternOf(values.only),
    rows: Math.round(numberOf("--rows", values.rows ?? String(defaultRows), rows)),
    isSoak: values.soak,
    isProfiled: values.profile,
    compare: values.compare,
    results: values.results,
    out: values.out ?? join("data", "bench"),
    help: values.help,
  };
}

function patternOf(text: string): RegExp {
  return readArgument(() => new RegExp(text, "i"));
}
