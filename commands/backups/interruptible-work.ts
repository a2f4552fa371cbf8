import { Progress } from "../../core/progress.ts";
import type { ReportProgress } from "../../embedded/backup/take-backup.ts";
import { interruptedStatus, stopOnSignals } from "../process/program.ts";

/** Does work that shows its progress, and ends early when a signal stops the program. */
export async function interruptible<Result>(
  work: (report: ReportProgress, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const progress = new Progress();
  const stopping = new AbortController();
  const report: ReportProgress = (name, share) => {
    progress.show({ name, share });
  };
  const running = work(report, stopping.signal).finally(() => {
    progress.end();
  });
  stopOnSignals(async () => {
    stopping.abort();
    // `runProgram` reports an error.
    await running.catch(() => undefined);
  }, interruptedStatus);
  return running;
}
