interface RunningProcess {
  uid: number;
  /** The name of the program, without its path. */
  program: string;
  /** The arguments, each between two `separator`s. */
  argumentsText: string;
  separator: string;
}

/** What the embedded PostgreSQL and the sockets need of the operating system. */
export interface Platform {
  /** Root can run PostgreSQL as a user without a name. */
  canRunAsOtherUser: boolean;
  /** Returns undefined if no such process runs. A zombie process does not. */
  findProcess(pid: number): RunningProcess | undefined;
  isRunning(pid: number): boolean;
  /** Returns undefined if this process has no permission to know. */
  worksIn(pid: number, folder: string): boolean | undefined;
  /** Returns the user ids of all processes. */
  busyUids(): Set<number>;
  /**
   * Returns the path by which a program of PostgreSQL opens its data folder. The program inherits the
   * open folder as file descriptor 3.
   */
  inheritedPathOf(folder: string): string;
  /**
   * Returns a path of a folder that is short enough for the sockets in it. Other processes of the
   * user can use it while this process runs.
   */
  shortPathOf(folder: string): string;
}
