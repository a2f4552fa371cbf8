import { MIMEType } from "node:util";
import { LRUCache } from "lru-cache";

const eventStream = "text/event-stream";
/** The media types of responses: the legacy type, the type of GraphQL over HTTP, and of graphql-sse. */
const answerTypes = ["application/json", "application/graphql-response+json", eventStream] as const;
export type AnswerType = (typeof answerTypes)[number];

/** Clients send few different Accept headers. */
const maxCached = 100;
const maxCachedLength = 1_000;
const cache = new LRUCache<string, AnswerType | "none">({ max: maxCached });

/**
 * Returns the supported media type that an Accept header prefers; undefined if it accepts none.
 * Without the header, and for any type, returns `application/json`.
 */
export function acceptedType(accept: string | undefined): AnswerType | undefined {
  if (accept === undefined || accept === "" || accept === "*/*") return "application/json";
  let type = cache.get(accept);
  if (type === undefined) {
    type = preferred(accept);
    if (accept.length <= maxCachedLength) cache.set(accept, type);
  }
  return type === "none" ? undefined : type;
}

/** Returns whether an Accept header names the type of event streams, as preferred type or another. */
export function acceptsEventStream(accept = ""): boolean {
  return rangesOf(accept).some(({ name, quality }) => name === eventStream && quality > 0);
}

/** A range of media types in an Accept header. */
interface Range {
  /** In lower case: `application/json`, or `application/*`, or any range. */
  name: string;
  /** 0 if the type is not acceptable. */
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

/** Returns the most specific range for a type (RFC 9110, 12.5.1). */
function rangeFor(type: AnswerType, ranges: readonly Range[]): Range | undefined {
  // A client that does not name it cannot read an event stream.
  const names = type === eventStream ? [type] : [type, "application/*", "*/*"];
  for (const name of names) {
    const [first] = ranges.filter((range) => range.name === name).sort(byQuality);
    if (first !== undefined) return first;
  }
  return undefined;
}

/** Compares by quality, then by position in the header. */
function isBefore(one: Range, other: Range): boolean {
  if (one.quality !== other.quality) return one.quality > other.quality;
  return one.position < other.position;
}

function byQuality(one: Range, other: Range): number {
  return other.quality - one.quality;
}

/** Matches the elements of a header. A comma in a quoted string does not separate elements. */
const elementPattern = /(?:[^,"]|"(?:\\.|[^"\\])*"?)+/g;

/** Returns the media ranges with charset UTF-8. Ignores invalid ranges. */
function rangesOf(accept: string): Range[] {
  const elements = accept.match(elementPattern) ?? [];
  return elements.flatMap((element, position) => {
    const range = mediaTypeOf(element);
    if (range === undefined || !isUtf8(range)) return [];
    return [{ name: range.essence, quality: qualityOf(range), position }];
  });
}

/** Parses a media type (RFC 9110, 8.3.1). Returns undefined if it is invalid. */
export function mediaTypeOf(text: string): MIMEType | undefined {
  try {
    return new MIMEType(text);
  } catch {
    return undefined;
  }
}

/** Returns true unless a media type names another charset. */
export function isUtf8({ params }: MIMEType): boolean {
  const charset = params.get("charset");
  if (charset === null) return true;
  try {
    // TextDecoder recognizes aliases of UTF-8.
    return new TextDecoder(charset).encoding === "utf-8";
  } catch {
    return false;
  }
}

function qualityOf({ params }: MIMEType): number {
  const quality = Number(params.get("q") ?? 1);
  return Number.isFinite(quality) ? Math.min(quality, 1) : 0;
}
