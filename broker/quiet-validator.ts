import { Validators } from "moleculer";

type Check = ReturnType<InstanceType<typeof Validators.Fastest>["compile"]>;

/**
 * Moleculer's validator, whose findings do not contain the rejected values. Moleculer logs and
 * traces the findings, and a value may be a password.
 */
export class QuietValidator extends Validators.Fastest {
  override compile(rules: Record<string, unknown>): Check {
    const check = super.compile(rules);
    return Object.assign((...args: Parameters<Check>) => withoutValues(check(...args)), {
      async: check.async ?? false,
    });
  }
}

/** Removes the values from the findings. The validator returns `true` if no rule is broken. */
function withoutValues<Findings>(findings: Findings): Findings {
  if (Array.isArray(findings)) {
    for (const finding of findings as { actual?: unknown }[]) delete finding.actual;
  }
  return findings;
}
