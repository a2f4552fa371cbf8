import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endingSignals, interruptedStatus } from "../../../commands/process/program.ts";
import { Progress } from "../../../core/progress.ts";
import { openRunFolder } from "../../support/run-folder.ts";
import { LoadProcess } from "../load/load-process.ts";
import { chartOf } from "../report/chart.ts";
import { comparisonText } from "../report/comparison.ts";
import { format, type ResultsFile } from "../report/results-file.ts";
import { Results, type Measurement } from "../report/results.ts";
import { resultsTable } from "../report/table.ts";
import { environmentText, readEnvironment } from "./machine.ts";
import { noiseText, NoiseWatch } from "./noise.ts";
import { showParts, type ShowPart } from "./parts.ts";
import { Session, type Pace } from "./session.ts";

/** A part of a run. Its failure does not fail the others. */
export interface Part {
  name: string;
  measurements: readonly Measurement[];
  /** The usual duration on a machine of two cores. */
  seconds: number;
  measure: (session: Session, show: ShowPart) => Promise<void>;
}

interface RunOptions {
  parts: readonly Part[];
  pace: Pace;
  isSelected: (measurement: Measurement) => boolean;
  /** The folder of the output. */
  out: string;
  /** The results of an earlier run, to compare with. */
  before: ResultsFile | undefined;
}

/**
 * Runs all parts, then prints the results and writes them to files. After Ctrl-C it does so with the
 * rounds so far. Returns the exit status.
 */
export async function runParts(options: RunOptions): Promise<number> {
  const { parts, pace, isSelected, out, before } = options;
  mkdirSync(out, { recursive: true });
  const at = new Date().toISOString();
  const environment = await readEnvironment();
  console.log(environmentText(environment));
  const results = new Results(parts.flatMap(({ measurements }) => measurements));
  const noise = new NoiseWatch();
  const progress = new Progress();
  const finish = () => {
    progress.end();
    report(
      {
        format,
        at,
        ...environment,
        arguments: process.argv.slice(2),
        noise: noise.summary(),
        results: results.all(),
        failures: results.failures,
      },
      before,
      out,
    );
  };
  const runFolder = await openRunFolder();
  // The default handler of a signal would leave PostgreSQL running; an exit stops it. Ctrl-C arrives
  // twice, from the terminal and from npm: without a listener the second one would end the report.
  for (const signal of endingSignals) {
    process.on(signal, () => {
      finish();
      process.exit(interruptedStatus);
    });
  }
  process.once("uncaughtException", (error) => {
    results.fail("the benchmark", error);
    finish();
    process.exit(1);
  });
  const load = new LoadProcess();
  const { versions } = environment;
  const session = new Session({ load, results, noise, pace, versions, isSelected });
  const shows = showParts(progress, parts);
  for (const { name, measure } of parts) {
    const show = shows[name];
    if (show !== undefined) await session.attempt(name, () => measure(session, show));
  }
  finish();
  load.stop();
  await runFolder.close();
  return results.failures.length === 0 ? 0 : 1;
}

/** Describes the results in a table, and their differences to an earlier run. */
export function textOf(content: ResultsFile, before?: ResultsFile): string {
  return [
    resultsTable(content.results, content.failures),
    noiseText(content.noise),
    ...(before === undefined ? [] : ["", comparisonText(before, content)]),
  ].join("\n");
}

function report(content: ResultsFile, before: ResultsFile | undefined, out: string): void {
  if (content.results.length === 0 && content.failures.length === 0) return;
  console.log(textOf(content, before));
  const files = {
    "results.json": `${JSON.stringify(content, null, 2)}\n`,
    "results.txt": `${environmentText(content)}\n\n${textOf(content)}\n`,
    "chart.svg": chartOf(content.results),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(out, name), text);
  const paths = Object.keys(files).map((name) => join(out, name));
  console.log(paths.join(", "));
}
