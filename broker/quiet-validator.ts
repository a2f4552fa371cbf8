import { Validators } from "moleculer";

type Check = ReturnType<InstanceType<typeof Validators.Fastest>["compile"]>;

/**
 * Moleculer's own validator, without the values that break a rule: Moleculer logs and traces its
 * findings as they are, and one of the values may be a password.
 */
export class QuietValidator extends Validators.Fastest {
  override compile(rules: Record<string, unknown>): Check {
    const check = super.compile(rules);
    return Object.assign((...args: Parameters<Check>) => withoutValues(check(...args)), {
      async: check.async ?? false,
    });
  }
}

/** Takes the values out of the findings, which are a list where a rule is broken, and else `true`. */
function withoutValues<Findings>(findings: Findings): Findings {
  if (Array.isArray(findings)) {
    for (const finding of findings as { actual?: unknown }[]) delete finding.actual;
  }
  return findings;
}
