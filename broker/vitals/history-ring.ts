import {
  flowKinds,
  keptSteps,
  type Bounds,
  type HistoryStep,
  type NodeHistory,
} from "../../core/vitals/flows.ts";

/** The most buckets of a kind. */
const maxBuckets = 16;
/** Of a kind: its count, its errors and its buckets. */
const kindWidth = 2 + maxBuckets;
/** The number of the step, the orders, and the kinds. */
const rowWidth = 2 + flowKinds.length * kindWidth;

/** The work of a node in the last hour, in a block of memory of fixed size: about 100 kB. */
export class HistoryRing {
  readonly #rows = new Int32Array(keptSteps * rowWidth);

  /** Stores a step in place of the step an hour before it. */
  store({ step, orders, flows }: HistoryStep): void {
    const start = (step % keptSteps) * rowWidth;
    const row = this.#rows.subarray(start, start + rowWidth).fill(0);
    row.set([step, orders]);
    for (const [index, kind] of flowKinds.entries()) {
      const { count, errors, buckets } = flows[kind];
      row.set([count, errors, ...buckets.slice(0, maxBuckets)], 2 + index * kindWidth);
    }
  }

  /** Returns the stored steps from `first` on, oldest first. */
  read(first: number, bounds: Bounds): NodeHistory {
    const steps: HistoryStep[] = [];
    for (let start = 0; start < this.#rows.length; start += rowWidth) {
      const row = this.#rows.subarray(start, start + rowWidth);
      const [step = 0, orders = 0] = row;
      if (step < first) continue;
      const tallies = flowKinds.map((kind, index) => {
        const offset = 2 + index * kindWidth;
        const [count = 0, errors = 0] = row.subarray(offset);
        const buckets = [...row.subarray(offset + 2, offset + 3 + bounds[kind].length)];
        return [kind, { count, errors, buckets }];
      });
      steps.push({ step, orders, flows: Object.fromEntries(tallies) as HistoryStep["flows"] });
    }
    return { bounds, steps: steps.sort((a, b) => a.step - b.step) };
  }
}
