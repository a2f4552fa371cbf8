/** The width of a flow's line in pixels: each tenfold rate adds the same. */
export function lineWidth(perSecond: number): number {
  return Math.min(8, 1.5 + 1.8 * Math.log10(1 + perSecond));
}

/**
 * The speed class of a flow's moving dots, 0 (they rest) to 4. Few classes, because each change of an
 * animation's duration lets its dots jump.
 */
export function speedOf(perSecond: number): number {
  if (perSecond < 0.02) return 0;
  if (perSecond < 2) return 1;
  if (perSecond < 20) return 2;
  if (perSecond < 200) return 3;
  return 4;
}
