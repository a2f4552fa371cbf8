import { Errors } from "moleculer";
import { isClientError, isServiceUnavailable } from "../../core/errors.ts";
import { CommandError } from "../../core/command-error.ts";

/**
 * Returns the error of a call to the shop as a CommandError with a sentence. Returns any other error
 * as it is: it is a bug of the command, and its stack is needed.
 */
export function callFailure(error: unknown): unknown {
  if (!(error instanceof Errors.MoleculerError)) return error;
  return new CommandError(sentenceOf(error), { cause: error });
}

function sentenceOf(error: Errors.MoleculerError): string {
  const { type, message } = error;
  if (isServiceUnavailable(error)) {
    return `The shop has stopped, or cannot be reached now (${message}). Run the command again when it is open; what has taken effect stays.`;
  }
  if (isClientError(error)) return `The shop has rejected a call: ${message} (${type})`;
  return `The shop has failed at a call; its log has the reason (${message}).`;
}
