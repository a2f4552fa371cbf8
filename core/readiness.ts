/** Returns whether the answer of a service's `ready` says that its database refuses writes. */
export function isReadOnly(answer: PromiseSettledResult<unknown> | undefined): boolean {
  if (answer?.status !== "fulfilled") return false;
  // Version 1.0 answers true.
  return (answer.value as { isReadOnly?: boolean } | null)?.isReadOnly === true;
}
