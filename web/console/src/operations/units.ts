const rates = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const times = new Intl.DateTimeFormat("en", { timeStyle: "medium" });
const moments = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

/** Formats a number per second. */
export function formatRate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.01) return "<0.01/s";
  return `${rates.format(perSecond)}/s`;
}

/** Formats a duration of up to some seconds, or of any length. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return formatSeconds(ms / 1_000);
  return ms > 0 && ms < 0.1 ? "<0.1 ms" : `${rates.format(ms)} ms`;
}

const estimates = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

/** Formats a percentile, which is estimated within a range of durations: more digits would be noise. */
export function formatPercentile(ms: number): string {
  return formatMs(Number(estimates.format(ms).replaceAll(",", "")));
}

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** Formats a duration with its two largest units: `3 h 20 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < minute) return `${rates.format(seconds)} s`;
  const whole = Math.floor(seconds);
  if (whole < hour) return twoUnits(whole, minute, "min", 1, "s");
  if (whole < day) return twoUnits(whole, hour, "h", minute, "min");
  return twoUnits(whole, day, "d", hour, "h");
}

function twoUnits(whole: number, first: number, firstName: string, second: number, name: string) {
  const rest = Math.floor((whole % first) / second);
  const head = `${Math.floor(whole / first)} ${firstName}`;
  return rest === 0 ? head : `${head} ${rest} ${name}`;
}

const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < binaryUnits.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${rates.format(value)} ${binaryUnits[unit]}`;
}

export function formatPercent(percent: number): string {
  return `${Math.round(percent)}%`;
}

/** Formats a point in time to the second. */
export function formatMoment(time: Date): string {
  return moments.format(time);
}

/** Formats the time of a day to the second. */
export function formatClock(time: string | Date): string {
  return times.format(new Date(time));
}
