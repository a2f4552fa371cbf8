import { formatNumber } from "../ui/format.ts";

const rules = new Intl.PluralRules("en");

/** Returns a number with its noun: "1 row", "1,200 rows". */
export function counted(count: number, one: string, other: string): string {
  return `${formatNumber(count)} ${rules.select(count) === "one" ? one : other}`;
}
