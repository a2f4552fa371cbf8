import { adminTexts } from "../../texts/admin/shared.ts";

/** Messages about filters that cannot apply, by their names. */
export type FilterFaults = Readonly<Record<string, string>>;

/** Converts the local time of a field. Returns undefined for a text that is no time. */
export function instantOf(text: string): string | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** Returns what is wrong with the start and the end of a period. Each can be missing. */
export function periodFaults({ from, before }: { from: string; before: string }): FilterFaults {
  const [start, end] = [instantOf(from), instantOf(before)];
  return {
    ...(from !== "" && start === undefined && { from: adminTexts.timeInvalid }),
    ...(before !== "" && end === undefined && { before: adminTexts.timeInvalid }),
    ...(start !== undefined &&
      end !== undefined &&
      start >= end && { before: adminTexts.tooEarly }),
  };
}
