const healthPath = /^\/health\/(live|ready)\/?$/;

/** Returns the health check at a path, or undefined for another path. */
export function healthCheckAt(path: string): "live" | "ready" | undefined {
  return healthPath.exec(path)?.[1] as "live" | "ready" | undefined;
}

/** Which of some services cannot do all of their work. */
export interface Readiness<Name> {
  /** Services that are unavailable or whose database is unavailable. */
  missing: Name[];
  /** Services whose database answers but refuses writes. They serve reads. */
  readOnly: Name[];
}

/** @param callReady calls the action `ready` of a service */
export async function readinessOf<Name extends string>(
  services: readonly Name[],
  callReady: (action: string) => Promise<unknown>,
): Promise<Readiness<Name>> {
  const answers = await Promise.allSettled(services.map((name) => callReady(`${name}.ready`)));
  return {
    missing: services.filter((_name, index) => answers[index]?.status === "rejected"),
    readOnly: services.filter((_name, index) => isReadOnly(answers[index])),
  };
}

function isReadOnly(answer: PromiseSettledResult<unknown> | undefined): boolean {
  if (answer?.status !== "fulfilled") return false;
  // Version 1.0 answers true.
  return (answer.value as { isReadOnly?: boolean } | null)?.isReadOnly === true;
}
