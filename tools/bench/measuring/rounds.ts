import { median, medianInterval } from "./statistics.ts";

/** An interval is narrow if its width is at most this share of the median: about ±5 %. */
const narrowShare = 0.1;
/** Even an idle machine has measurements that never become narrow. */
const maxRounds = 60;

/** Returns true when more rounds are not needed. */
export function isNarrow(values: readonly number[]): boolean {
  const interval = medianInterval(values);
  return (
    interval !== undefined && interval.high - interval.low <= narrowShare * Math.abs(median(values))
  );
}

interface Rounds<Item> {
  items: readonly Item[];
  /** Every item is measured in at least this many rounds. */
  minRounds: number;
  /** No round starts after this time of `now`, except the first `minRounds`. */
  endMs: number;
  now?: () => number;
  measure: (item: Item, round: number) => Promise<void>;
  /** Returns true when an item needs no more rounds than the minimum. */
  isDone: (item: Item) => boolean;
  /** Takes the error of a measurement; its item is not measured again. */
  onError: (item: Item, error: unknown) => void;
}

/**
 * Measures all items once per round, so that the rounds of each item are spread over the whole time.
 * After the minimum of rounds, only those items go on whose result is not yet good enough.
 */
export async function measureInRounds<Item>({
  items,
  minRounds,
  endMs,
  now = () => performance.now(),
  measure,
  isDone,
  onError,
}: Rounds<Item>): Promise<void> {
  let open = [...items];
  for (let round = 0; open.length > 0 && round < maxRounds; round += 1) {
    for (const item of open) {
      if (round >= minRounds && now() >= endMs) return;
      try {
        await measure(item, round);
      } catch (error) {
        onError(item, error);
        open = open.filter((other) => other !== item);
      }
    }
    if (round + 1 >= minRounds) open = open.filter((item) => !isDone(item));
  }
}
