import type { ServiceBroker } from "moleculer";
import type { ParamRule } from "./contract.ts";
import type { ClientError } from "./errors.ts";
import { clientErrorOf, inputCleaner } from "./validation.ts";

/** Returns the item in its stored form, or BAD_USER_INPUT if it breaks a rule. */
export type ItemCheck<Item> = (given: object) => Item | ClientError;

/**
 * Returns a check of one item of a list by the rules of parameters. In the rules of the list itself,
 * an invalid item would reject the whole list.
 */
export function itemCheck<Item>(
  { validator }: Pick<ServiceBroker, "validator">,
  rules: Record<string, ParamRule>,
): ItemCheck<Item> {
  if (!validator) throw new Error("The broker has no validator.");
  const clean = inputCleaner(rules);
  const findingsOf = validator.compile({ $$strict: true, ...rules } as never) as (
    item: object,
  ) => unknown;
  return (given) => {
    // The validator changes texts in place, and adds defaults.
    const item = { ...(clean(given) as object) };
    const findings = findingsOf(item);
    return Array.isArray(findings) ? clientErrorOf({ data: findings }) : (item as Item);
  };
}
