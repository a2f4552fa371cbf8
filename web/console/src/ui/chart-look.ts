import type uPlot from "uplot";

const labelFont = "12px system-ui, sans-serif";
/** Between the labels and the plot, and between them and the edge of the canvas. */
const labelGap = 5;

/** Returns what the axes of all charts have in common, in the colours of the present theme. */
export function axisLook(element: HTMLElement) {
  return {
    stroke: colourOf(element, "--text-muted"),
    grid: { stroke: colourOf(element, "--line"), width: 1 },
    ticks: { show: false },
    font: labelFont,
    gap: labelGap,
  };
}

/** Returns the width of a vertical axis: that of its longest label, so that none is cut. */
export function axisWidth({ ctx }: uPlot, labels: readonly string[] | null): number {
  ctx.save();
  ctx.font = labelFont;
  const widths = (labels ?? []).map((label) => ctx.measureText(label).width);
  ctx.restore();
  return Math.ceil(Math.max(0, ...widths)) + 2 * labelGap;
}

/** Listens to changes of the theme: a canvas keeps the colours with which it was drawn. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", listener);
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", listener);
    observer.disconnect();
  };
}

/** Returns the colour of a design token as it is shown now: a canvas does not know light-dark(). */
export function colourOf(element: HTMLElement, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
