import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  realpathSync,
  renameSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { CommandError } from "../core/command-error.ts";
import { messageOf } from "../core/errors.ts";
import type { Platform } from "./platform/interface.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { holdsData } from "./postgres-folder.ts";
import { findServer } from "./postgres-process.ts";
import {
  adviceOn,
  endServer,
  firstErrorIn,
  runOn,
  sendSignal,
  superuser,
} from "./postgres-program.ts";
import { changeOwner, initdbUser, type RunAs } from "./postgres-user.ts";
import { finishRestore, makeData } from "./staging-folder.ts";

const initdbArguments = [
  "-U",
  superuser,
  "--auth=trust",
  "--encoding=UTF8",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--locale=C",
  "--no-instructions",
];

interface DataOptions {
  folder: string;
  /** The file of the server's log. */
  log: string;
  binaries: PostgresBinaries;
  runAs: RunAs;
  platform: Platform;
}

/** The data folder of a server before its start. */
export class PostgresData {
  readonly #options: DataOptions;
  #initdb: ChildProcess | undefined;

  constructor(options: DataOptions) {
    this.#options = options;
  }

  /**
   * Makes the data if there are none, and changes the owner of existing data to the server's user.
   * Throws CommandError.
   */
  async provide(): Promise<void> {
    const { folder, log, binaries, runAs } = this.#options;
    try {
      finishRestore(folder);
      if (runAs === undefined && existsSync(folder)) changeOwner(folder, runAs);
      if (!holdsData(folder, binaries.majorVersion)) {
        await makeData(folder, (fresh) => this.#initialize(fresh));
      }
      await this.#endOlderServer();
      moveOlderLog(folder, log);
      changeOwner(realpathSync(folder), runAs);
      // Any user that can enter the folder could connect.
      if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const reason = messageOf(error);
      throw new CommandError(
        `The data in ${folder} cannot be read (${reason}).${adviceOn(reason)}`,
      );
    }
  }

  /** Kills initdb's process group. The next start identifies the remains by their mark. */
  interrupt(): void {
    if (this.#initdb?.pid !== undefined) sendSignal(-this.#initdb.pid, "SIGKILL");
  }

  async #initialize(fresh: string): Promise<void> {
    const { folder, binaries, runAs, platform } = this.#options;
    const user = initdbUser(runAs, platform);
    if (user !== undefined) chownSync(fresh, user.uid, user.gid);
    const child = runOn(fresh, {
      platform,
      program: binaries.initdb,
      runAs: user,
      args: initdbArguments,
      output: "pipe",
    });
    this.#initdb = child;
    const ended = once(child, "close") as Promise<[number | null]>;
    const [errors, [status]] = await Promise.all([child.stderr ? text(child.stderr) : "", ended]);
    this.#initdb = undefined;
    if (status !== 0) {
      const reason = firstErrorIn(errors, folder, platform);
      throw new CommandError(
        `The database cannot be made in ${folder} (${reason}).${adviceOn(errors)}`,
      );
    }
    changeOwner(fresh, runAs);
  }

  /** Ends a server that an earlier version started as another user: the data get a new owner. */
  async #endOlderServer(): Promise<void> {
    const { folder, runAs, platform } = this.#options;
    const running = findServer(folder, platform);
    if (running === undefined) return;
    if (!running.isOurs) {
      throw new CommandError(
        `Another PostgreSQL, with the process id ${running.pid}, runs on ${folder}; stop it first.`,
      );
    }
    const uid = runAs?.uid ?? process.getuid?.();
    if (running.uid !== uid) await endServer(running.pid, platform);
  }
}

/** Moves the log that version 1.0 wrote into the data folder. */
function moveOlderLog(folder: string, file: string): void {
  const older = join(folder, "server.log");
  if (lstatSync(older, { throwIfNoEntry: false })?.isFile() === true) renameSync(older, file);
}
