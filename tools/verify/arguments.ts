import { parseArgs } from "node:util";
import { mutants, type Mutant } from "./mutants/mutants.ts";
import { allFaultKinds, faultKinds, type FaultKind } from "./faults/kinds.ts";

/** What `npm run verify` was asked for. */
export interface Arguments {
  minutes: number;
  seed: number;
  faults: FaultKind[];
  /** A history, or the folder of a run, that is checked again. */
  replay: string | undefined;
  /** Where the run's files go. */
  out: string | undefined;
  /** What is broken on purpose, one after the other. */
  mutants: Mutant[];
  help: boolean;
}

export const usage = `npm run verify -- [options]

  --minutes N      how long the shop is used while faults strike (default 2; 0.2 is the least)
  --seed N         the same seed plans the same requests and faults (default: another each time)
  --faults LIST    all, none, or some of: ${allFaultKinds.join(", ")}
  --out FOLDER     where history, tables, logs and picture go (default: a new folder in ./data/verify)
  --replay PATH    checks the history of an earlier run again, without starting anything
  --break LIST     all, or some of: ${mutants.map(({ name }) => name).join(", ")};
                   breaks the shop on purpose: the invariant must be named
  --help

Ends with 0 when every invariant holds, 1 when one does not, 2 when nothing could be shown.
${Object.entries(faultKinds)
  .map(([kind, what]) => `\n  ${kind.padEnd(14)} ${what}`)
  .join("")}
`;

/** A sentence for who has typed the arguments. */
export class ArgumentError extends Error {}

/** Throws an ArgumentError. */
export function readArguments(args: string[]): Arguments {
  const text = { type: "string" } as const;
  const { values } = parse(() =>
    parseArgs({
      args,
      options: {
        minutes: text,
        seed: text,
        faults: text,
        replay: text,
        out: text,
        break: text,
        help: { type: "boolean" },
      },
    }),
  );
  return {
    minutes: number("--minutes", values.minutes ?? "2", 0.02, 24 * 60),
    seed: number("--seed", values.seed ?? String(Date.now() % 1_000_000), 0, 2 ** 32 - 1),
    faults: listed("--faults", values.faults ?? "all", allFaultKinds),
    replay: values.replay,
    out: values.out,
    mutants: mutants.filter(({ name }) =>
      listed(
        "--break",
        values.break ?? "none",
        mutants.map((one) => one.name),
      ).includes(name),
    ),
    help: values.help ?? false,
  };
}

function parse<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function number(name: string, value: string, min: number, max: number): number {
  const read = Number(value);
  if (value.trim() !== "" && read >= min && read <= max) return read;
  throw new ArgumentError(`${name} must be a number from ${min} to ${max}, not "${value}".`);
}

function listed<Name extends string>(option: string, value: string, all: readonly Name[]): Name[] {
  if (value === "all") return [...all];
  if (value === "none") return [];
  return value.split(",").map((part) => {
    const found = all.find((name) => name === part.trim());
    if (found !== undefined) return found;
    throw new ArgumentError(`${option}: "${part}" is none of ${all.join(", ")}.`);
  });
}
