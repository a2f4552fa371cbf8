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

/** Formats a point in time to the minute. */
export function formatTime(time: string): string {
  return times.format(new Date(time));
}
