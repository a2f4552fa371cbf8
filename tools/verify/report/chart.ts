/** Dimensions, colours and shared parts of the picture. */
export const width = 1_280;
export const left = 86;
export const right = 28;
export const top = 108;
export const rateHeight = 210;
export const latencyHeight = 170;
export const gap = 44;
export const laneHeight = 19;
export const footHeight = 54;

export const colours = {
  ok: "#2f7d6d",
  rejected: "#e0a83c",
  unknown: "#c8452f",
  p50: "#3b6ea8",
  p99: "#8a4f9e",
};
export const ink = "#22303a";
export const faint = "#8694a0";
export const grid = "#e6eaed";

/** Returns the x coordinate of a time of the run. */
export type Scale = (ms: number) => number;

export function legend(y: number, name: string, entries: [string, string][]): string[] {
  let x = left + 10 + name.length * 7.4;
  const parts = [`<text x="${left}" y="${y}" font-weight="600">${name}</text>`];
  for (const [label, colour] of entries) {
    parts.push(
      `<rect x="${x}" y="${y - 9}" width="10" height="10" rx="2" fill="${colour}"/>`,
      `<text x="${x + 15}" y="${y}">${label}</text>`,
    );
    x += 32 + label.length * 7;
  }
  return parts;
}

export function gridLine(y: number, label: string): string[] {
  return [
    `<line x1="${left}" x2="${width - right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="${grid}"/>`,
    `<text x="${left - 10}" y="${(y + 4).toFixed(1)}" text-anchor="end" fill="${faint}">${label}</text>`,
  ];
}

/** Returns the smallest step of 1, 2 or 5 times a power of ten that is not below `least`. */
export function niceStep(least: number): number {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return unit * ([1, 2, 5].find((step) => unit * step >= least) ?? 10);
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
