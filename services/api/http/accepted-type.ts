import { MIMEType } from "node:util";
import { LRUCache } from "lru-cache";

/** The media types of answers: the one from before the specification, and that of it. */
const answerTypes = ["application/json", "application/graphql-response+json"] as const;
export type AnswerType = (typeof answerTypes)[number];

/** Clients send few different ones, again and again. */
const maxKnown = 100;
/** Longer ones are not worth their place. */
const maxKnownLength = 1_000;
const known = new LRUCache<string, AnswerType | "none">({ max: maxKnown });

/**
 * The media type that a request's Accept header prefers of those there are; undefined where it
 * takes neither. Without the header, and for any type, it is `application/json`.
 */
export function acceptedType(accept: string | undefined): AnswerType | undefined {
  if (accept === undefined || accept === "" || accept === "*/*") return "application/json";
  let type = known.get(accept);
  if (type === undefined) {
    type = preferred(accept);
    if (accept.length <= maxKnownLength) known.set(accept, type);
  }
  return type === "none" ? undefined : type;
}

/** A range of media types in an Accept header. */
interface Range {
  /** In small letters: `application/json`, `application/*`, or any. */
  name: string;
  /** 0 for what is not wanted. */
  quality: number;
  position: number;
}

function preferred(accept: string): AnswerType | "none" {
  const ranges = rangesOf(accept);
  let best: { type: AnswerType; range: Range } | undefined;
  for (const type of answerTypes) {
    const range = rangeFor(type, ranges);
    if (range === undefined || range.quality <= 0) continue;
    if (best === undefined || isBefore(range, best.range)) best = { type, range };
  }
  return best?.type ?? "none";
}

/** The range that says most of a type (RFC 9110, 12.5.1). */
function rangeFor(type: AnswerType, ranges: readonly Range[]): Range | undefined {
  for (const name of [type, "application/*", "*/*"]) {
    const [first] = ranges.filter((range) => range.name === name).sort(byQuality);
    if (first !== undefined) return first;
  }
  return undefined;
}

/** Of equals, the one that was asked for first. */
function isBefore(one: Range, other: Range): boolean {
  if (one.quality !== other.quality) return one.quality > other.quality;
  return one.position < other.position;
}

function byQuality(one: Range, other: Range): number {
  return other.quality - one.quality;
}

/** A header's elements; a comma inside of a quoted text is part of that. */
const elementPattern = /(?:[^,"]|"(?:\\.|[^"\\])*"?)+/g;

/** The ranges of types in UTF-8; what is no media range is passed over. */
function rangesOf(accept: string): Range[] {
  const elements = accept.match(elementPattern) ?? [];
  return elements.flatMap((element, position) => {
    const range = mediaTypeOf(element);
    if (range === undefined || !isUtf8(range)) return [];
    return [{ name: range.essence, quality: qualityOf(range), position }];
  });
}

/** What a text says as a media type (RFC 9110, 8.3.1); undefined where it is none. */
export function mediaTypeOf(text: string): MIMEType | undefined {
  try {
    return new MIMEType(text);
  } catch {
    return undefined;
  }
}

/** True unless a media type names another character set. */
export function isUtf8({ params }: MIMEType): boolean {
  const charset = params.get("charset");
  if (charset === null) return true;
  try {
    // It knows the other names, too.
    return new TextDecoder(charset).encoding === "utf-8";
  } catch {
    return false;
  }
}

function qualityOf({ params }: MIMEType): number {
  const quality = Number(params.get("q") ?? 1);
  return Number.isFinite(quality) ? Math.min(quality, 1) : 0;
}
