import { ArgumentError } from "../support/arguments.ts";
import { defaultMinutes, readArguments, usage, type Arguments } from "./arguments.ts";
import { clusterMeasurements, clusterSeconds, measureCluster } from "./cluster/cluster.ts";
import { runParts, textOf, type Part } from "./measuring/run.ts";
import { defaultPace, quickPace } from "./measuring/session.ts";
import { readResultsFile, ResultsFileError } from "./report/results-file.ts";
import { labelOf, type Measurement } from "./report/results.ts";
import {
  largeShopMeasurements,
  largeShopSeconds,
  measureLargeShop,
} from "./scenarios/large-shop.ts";
import { measureObserved, observedMeasurements, observedSeconds } from "./scenarios/observed.ts";
import {
  measureOneProcess,
  oneProcessMeasurements,
  oneProcessSeconds,
} from "./scenarios/one-process.ts";
import { measureSoak, soakMeasurements, soakSeconds } from "./scenarios/soak.ts";

/** `npm run bench`: compares the shop with minimal baselines. See README.md in this folder. */

try {
  process.exit(await main(readArguments(process.argv.slice(2))));
} catch (error) {
  if (error instanceof ArgumentError) console.error(`${error.message}\n\n${usage}`);
  else console.error(error instanceof ResultsFileError ? error.message : error);
  process.exit(1);
}

async function main(args: Arguments): Promise<number> {
  if (args.help) {
    console.log(usage);
    return 0;
  }
  // A wrong file must not cost a run.
  const before = args.compare === undefined ? undefined : readResultsFile(args.compare);
  if (args.results !== undefined) {
    console.log(textOf(readResultsFile(args.results), before));
    return 0;
  }
  const isSelected = ({ only }: Arguments) => {
    return (measurement: Measurement) => only?.test(labelOf(measurement)) ?? true;
  };
  const all = partsOf(args);
  const parts = all.filter(({ measurements }) => measurements.some(isSelected(args)));
  if (parts.length === 0) {
    const labels = all.flatMap(({ measurements }) => measurements.map(labelOf));
    throw new ArgumentError(
      `--only: no measurement matches ${String(args.only)}. There are:\n${labels.join("\n")}`,
    );
  }
  const pace = args.isQuick ? quickPace : { ...defaultPace, scale: args.minutes / defaultMinutes };
  return runParts({ parts, pace, isSelected: isSelected(args), out: args.out, before });
}

function partsOf(args: Arguments): Part[] {
  const parts: Part[] = [
    {
      name: "one process",
      measurements: oneProcessMeasurements,
      seconds: oneProcessSeconds.whole,
      measure: (session, show) =>
        measureOneProcess(session, show, args.isProfiled ? args.out : undefined),
    },
    {
      name: "a cluster",
      measurements: clusterMeasurements,
      seconds: clusterSeconds.whole,
      measure: measureCluster,
    },
  ];
  const longParts: Part[] = [
    {
      name: "metrics and traces",
      measurements: observedMeasurements,
      seconds: observedSeconds.whole,
      measure: measureObserved,
    },
    {
      name: "a large shop",
      measurements: largeShopMeasurements(args.rows),
      seconds: largeShopSeconds.whole,
      measure: (session, show) => measureLargeShop(session, args.rows, show),
    },
  ];
  if (!args.isQuick) parts.push(...longParts);
  if (args.isSoak) {
    parts.push({
      name: "orders at full load",
      measurements: soakMeasurements,
      seconds: soakSeconds.whole,
      measure: measureSoak,
    });
  }
  return parts;
}
