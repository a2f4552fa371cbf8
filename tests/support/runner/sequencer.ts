import { statSync } from "node:fs";

/** The used part of a test file of Jest. */
interface TestFile {
  path: string;
}

/** The slowest test files, which are not the largest ones. */
const longest = /\/(verify|start)\.cluster\.test\.ts$/;
/** Suffixes in the order of their cost. */
const order = ["cluster", "browser", "int", "unit"];

/**
 * Starts the slowest files first, so that no worker is left alone with one at the end. Jest's own
 * order follows the file sizes when it has no cache.
 */
export default class Sequencer {
  sort(tests: TestFile[]): TestFile[] {
    const rank = ({ path }: TestFile) =>
      longest.test(path) ? -1 : order.indexOf(/\.(\w+)\.test\.ts$/.exec(path)?.[1] ?? "");
    const size = ({ path }: TestFile) => statSync(path).size;
    return tests.toSorted((a, b) => rank(a) - rank(b) || size(b) - size(a));
  }

  /** `--onlyFailures` of Jest needs a cache of results, which does not exist. */
  allFailedTests(tests: TestFile[]): TestFile[] {
    return tests;
  }

  cacheResults(): void {
    // The order does not depend on results.
  }
}
