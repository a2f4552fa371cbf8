import { join } from "node:path";

/** Returns settings of a node whose clock is ahead by this time, or behind if it is negative. */
export function clockAhead(seconds: number): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${join(import.meta.dirname, "other-clock.ts")}`,
    TEST_CLOCK_AHEAD_MS: String(seconds * 1_000),
  };
}
