import { CommandError } from "../../core/command-error.ts";

const reasons: ReadonlyMap<unknown, string> = new Map([
  ["ENOENT", "there is no such file or folder"],
  ["ENOTDIR", "a part of its path is not a folder"],
  ["EISDIR", "it is a folder"],
  ["EACCES", "the permission is missing"],
  ["EPERM", "the permission is missing"],
  ["EROFS", "its file system is read-only"],
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "the quota of the disk is used up"],
  ["EPIPE", "its reader has ended"],
]);

/**
 * Returns the error of a file as a CommandError with a sentence, and other errors as they are.
 *
 * @param name the file, or "Standard output"
 */
export function fileError(name: string, verb: "read" | "written", error: unknown): Error {
  const failure = error as NodeJS.ErrnoException;
  if (failure.syscall === undefined) return failure;
  const reason = reasons.get(failure.code) ?? failure.message;
  return new CommandError(`${name} cannot be ${verb}: ${reason}.`, { cause: error });
}
