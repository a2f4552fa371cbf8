import { maxInt } from "../../api/max-int.ts";

/** Reads an amount in major units. Returns undefined for a text that is no price. */
export function minorUnitsOf(text: string): number | undefined {
  const match = /^(\d{1,8})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, major = "", minor = ""] = match;
  const amount = Number(major) * 100 + Number(minor.padEnd(2, "0"));
  return amount <= maxInt ? amount : undefined;
}

/** Returns an amount as it is typed in a field. */
export function priceText(minorUnits: number): string {
  return (minorUnits / 100).toFixed(2);
}

/** Reads a number of pieces. Returns undefined for a text that is none. */
export function piecesOf(text: string): number | undefined {
  const isWhole = /^\d{1,10}$/.test(text.trim()) && Number(text) <= maxInt;
  return isWhole ? Number(text) : undefined;
}
