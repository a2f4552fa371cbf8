/** The API has amounts in minor units and no currency: the console shows all of them in this one. */
const currency = "EUR";

const money = new Intl.NumberFormat("en", { style: "currency", currency });
const times = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const numbers = new Intl.NumberFormat("en");

/** Intl writes a hyphen. */
function withMinus(text: string): string {
  return text.replace("-", "\u2212");
}

/** Formats an amount in minor units. */
export function formatPrice(minorUnits: number): string {
  return withMinus(money.format(minorUnits / 100));
}

export function formatNumber(value: number): string {
  return withMinus(numbers.format(value));
}

const compact = { notation: "compact", maximumSignificantDigits: 3 } as const;
const roundNumbers = new Intl.NumberFormat("en", compact);
const roundMoney = new Intl.NumberFormat("en", { ...compact, style: "currency", currency });

/** Formats a round number for a place that is narrow: `2M`. */
export function formatRoundNumber(value: number): string {
  return withMinus(roundNumbers.format(value));
}

/** Formats a round amount in minor units for a place that is narrow: `€2M`. */
export function formatRoundPrice(minorUnits: number): string {
  return withMinus(roundMoney.format(minorUnits / 100));
}

/** Formats a point in time to the minute. */
export function formatTime(time: string): string {
  return times.format(new Date(time));
}
