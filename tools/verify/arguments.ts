import { parseArgs } from "node:util";
import { ArgumentError, numberOf, readArgument } from "../support/arguments.ts";
import { mutants, type Mutant } from "./mutants/mutants.ts";
import { allFaultKinds, faultKinds, type FaultKind } from "./faults/kinds.ts";
import { restorableServices, type RestorableService } from "./restore/run-restore.ts";

const minutes = { min: 0.02, max: 24 * 60 };
const seeds = { min: 0, max: 2 ** 32 - 1 };

/** The options of `npm run verify`. */
export interface Arguments {
  minutes: number;
  seed: number;
  faults: FaultKind[];
  /** A history file, or the folder of an earlier run, to check again. */
  replay: string | undefined;
  /** The folder for the files of the run. */
  out: string | undefined;
  /** Mutants to test; none for a run with faults. */
  mutants: Mutant[];
  /** The service whose database is set back, in place of a run with faults. */
  restore: RestorableService | undefined;
  help: boolean;
}

export const usage = `npm run verify -- [options]

  --minutes N      duration of the load with faults (default 2, minimum 0.02)
  --seed N         seed of the planned requests and faults (default: random)
  --faults LIST    all, none, or a comma-separated list of: ${allFaultKinds.join(", ")}
  --out FOLDER     folder of the history, snapshot, logs and picture (default: a new one in data/verify)
  --replay PATH    check the folder or history file of an earlier run again
  --mutant LIST    plant bugs in the shop; each must violate its invariant. all, or a list of:
                   ${mutants.map(({ name }) => name).join(", ")}
  --restore NAME   set the database of ${restorableServices.join(" or ")} back to an earlier copy, under load
  --help

Exit status: 0 every invariant holds; 1 an invariant is violated; 2 the run is inconclusive.
${Object.entries(faultKinds)
  .map(([kind, what]) => `\n  ${kind.padEnd(14)} ${what}`)
  .join("")}
`;

/**
 * Parses the command line.
 *
 * @throws ArgumentError for an unknown option or value
 */
export function readArguments(args: string[]): Arguments {
  const text = { type: "string" } as const;
  const { values } = readArgument(() =>
    parseArgs({
      args,
      options: {
        minutes: text,
        seed: text,
        faults: text,
        replay: text,
        out: text,
        mutant: text,
        restore: text,
        help: { type: "boolean" },
      },
    }),
  );
  return {
    minutes: numberOf("--minutes", values.minutes ?? "2", minutes),
    seed: numberOf("--seed", values.seed ?? String(Date.now() % 1_000_000), seeds),
    faults: listed("--faults", values.faults ?? "all", allFaultKinds),
    replay: values.replay,
    out: values.out,
    mutants: mutants.filter(({ name }) =>
      listed(
        "--mutant",
        values.mutant ?? "none",
        mutants.map((mutant) => mutant.name),
      ).includes(name),
    ),
    restore: listed("--restore", values.restore ?? "none", restorableServices)[0],
    help: values.help ?? false,
  };
}

function listed<Name extends string>(option: string, value: string, all: readonly Name[]): Name[] {
  if (value === "all") return [...all];
  if (value === "none") return [];
  return value.split(",").map((part) => {
    const found = all.find((name) => name === part.trim());
    if (found !== undefined) return found;
    throw new ArgumentError(
      `${option}: unknown name "${part}". Use all, none, or some of: ${all.join(", ")}.`,
    );
  });
}
