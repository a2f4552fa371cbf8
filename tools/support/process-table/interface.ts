/** The processes of this machine that this user may see. */
export interface ProcessTable {
  pids(): number[];
  /** Returns all processes whose working folder is this folder or below it. */
  workingIn(folder: string): number[];
  /** Returns all processes whose TMPDIR is this folder or below it. */
  withTmpdirIn(folder: string): number[];
  /** The command line; "" for a zombie or no process. */
  commandOf(pid: number): string;
  parentOf(pid: number): number | undefined;
  /** The start time, which tells apart two processes that had the same pid; "" for no process. */
  startOf(pid: number): string;
  /** Resident memory. */
  rssMbOf(pid: number): number;
  /** Its memory without the pages of files, which the kernel can drop, if the system tells. */
  ownMbOf(pid: number): number;
  /** CPU time so far, of all threads, in steps of 10 ms. */
  cpuMsOf(pid: number): number;
  /** Pids are unique within one boot and one namespace. */
  bootId(): string;
  namespaceId(): string;
}
