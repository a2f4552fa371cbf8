/** Browsers by a word of their User-Agent. The first ones also have the words of later ones. */
const browsers: readonly [RegExp, string][] = [
  [/\bEdg(?:A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Headless)?Chrome\/|\bCriOS\/|\bChromium\//, "Chrome"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
];

/** Systems likewise: Android also says Linux, and an iPhone Mac OS X. */
const systems: readonly [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** A name in plain words for a client, by its User-Agent. */
interface ClientName {
  browser: string | undefined;
  system: string | undefined;
}

/** Returns what a User-Agent says of the browser and the system; of a program, its name. */
export function clientNameOf(userAgent: string): ClientName {
  const named = (names: typeof browsers) => names.find(([word]) => word.test(userAgent))?.[1];
  const program = /^(?!Mozilla\/)[^\s/]+/.exec(userAgent)?.[0];
  return { browser: named(browsers) ?? program, system: named(systems) };
}
