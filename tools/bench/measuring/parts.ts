import type { Progress } from "../../../core/progress.ts";

/** Shows what a part of the benchmark does, and the completed share of the part. */
export type ShowPart = (detail: string, share: number) => void;

/** Shows the progress of work that is a section of a part. */
export function sectionOf(show: ShowPart, from: number, to: number): ShowPart {
  return (detail, share) => {
    show(detail, from + share * (to - from));
  };
}

/** A part of the benchmark, with its usual duration. */
interface Part {
  name: string;
  seconds: number;
}

/** Returns, for each part, the function that shows its progress as a share of all parts. */
export function showParts<Name extends string>(
  progress: Pick<Progress, "show">,
  parts: readonly (Part & { name: Name })[],
): Record<Name, ShowPart> {
  const total = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  let before = 0;
  const shows = parts.map(({ name, seconds }) => {
    const from = before / total;
    before += seconds;
    const show: ShowPart = (detail, share) => {
      progress.show({ name, detail, share: from + (share * seconds) / total });
    };
    return [name, show] as const;
  });
  return Object.fromEntries(shows) as Record<Name, ShowPart>;
}
