import { BoundedMap } from "../../core/bounded-map.ts";

/** The media types of answers: that of the specification, and the one from before. */
export type AnswerType = "application/graphql-response+json" | "application/json";

/** Clients send few different ones, again and again. */
const maxKnown = 100;
const known = new BoundedMap<string, AnswerType | "none">(maxKnown);

/**
 * The media type that a request's Accept header prefers of those there are; undefined where it
 * takes neither. Without the header, and for any type, it is `application/json`.
 */
export function acceptedType(accept: string | undefined): AnswerType | undefined {
  if (accept === undefined || accept === "" || accept === "*/*") return "application/json";
  let type = known.get(accept);
  if (type === undefined) {
    type = preferred(accept) ?? "none";
    known.set(accept, type);
  }
  return type === "none" ? undefined : type;
}

function preferred(accept: string): AnswerType | undefined {
  let best: { type: AnswerType; quality: number } | undefined;
  for (const range of accept.toLowerCase().split(",")) {
    const [name, ...parameters] = range.split(";").map((part) => part.trim());
    const type = answers[name ?? ""];
    const quality = qualityOf(parameters);
    // The first of equals is the one that was asked for first.
    if (type !== undefined && quality > (best?.quality ?? 0)) best = { type, quality };
  }
  return best?.type;
}

const answers: Record<string, AnswerType | undefined> = {
  "application/graphql-response+json": "application/graphql-response+json",
  "application/json": "application/json",
  "application/*": "application/json",
  "*/*": "application/json",
};

/** 0 for a type that is not wanted, or wanted in another character set than UTF-8. */
function qualityOf(parameters: readonly string[]): number {
  const valueOf = (name: string) =>
    parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
  const charset = valueOf("charset")?.replaceAll('"', "");
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") return 0;
  const quality = Number(valueOf("q") ?? 1);
  return Number.isFinite(quality) ? quality : 0;
}
