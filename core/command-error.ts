/**
 * A command cannot do its work, for a reason that its user can fix. The command prints the message
 * without a stack, and ends with status 1.
 */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
