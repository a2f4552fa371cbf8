/** A wrong command line. The message is for the user. */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
}

/** Reads a part of the command line. Its errors become an ArgumentError. */
export function readArgument<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Reads the number of an option.
 *
 * @throws ArgumentError for any other text, and for a number outside the bounds
 */
export function numberOf(
  option: string,
  value: string,
  { min, max }: { min: number; max: number },
): number {
  const parsed = Number(value);
  if (value.trim() !== "" && parsed >= min && parsed <= max) return parsed;
  throw new ArgumentError(`${option} must be a number from ${min} to ${max}, not "${value}".`);
}
