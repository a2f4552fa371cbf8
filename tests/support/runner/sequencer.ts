import { statSync } from "node:fs";

/** As far as it is read here, what Jest knows of a test file. */
interface TestFile {
  path: string;
}

/** The longest of all, which are not the largest files. */
const longest = /\/(verify|start)\.cluster\.test\.ts$/;
/** By what their suffix says they cost. */
const order = ["cluster", "browser", "int", "unit"];

/**
 * Begins with the files that take minutes, so that no worker is left with one of them when the
 * other has nothing more to do. Jest's own order follows the size of the files on a new machine.
 */
export default class Sequencer {
  sort(tests: TestFile[]): TestFile[] {
    const rank = ({ path }: TestFile) =>
      longest.test(path) ? -1 : order.indexOf(/\.(\w+)\.test\.ts$/.exec(path)?.[1] ?? "");
    const size = ({ path }: TestFile) => statSync(path).size;
    return tests.toSorted((a, b) => rank(a) - rank(b) || size(b) - size(a));
  }

  /** Jest's `--onlyFailures` needs a cache of results, which there is none of. */
  allFailedTests(tests: TestFile[]): TestFile[] {
    return tests;
  }

  cacheResults(): void {
    // The order does not depend on them.
  }
}
