/**
 * Returns what Jest prints of an error. Jest copies errors with all that they hold, for example a
 * connection, which can be too deep: it would then report only that the copy has failed.
 */
export function printed(error: unknown): unknown {
  if (Array.isArray(error)) return error.map(printed);
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  return Object.assign(new Error(message), {
    name,
    stack,
    ...(cause !== undefined && { cause: printed(cause) }),
    ...(error instanceof AggregateError && { errors: printed(error.errors) }),
  });
}
