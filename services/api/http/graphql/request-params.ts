import type { IncomingMessage } from "node:http";
import { commonErrors } from "../../../../core/errors.ts";
import { hasTooManyValues, maxBodyValues } from "../../limits/request-limits.ts";
import type { RequestParams } from "../../graphql/graphql-operation.ts";
import { isUtf8, mediaTypeOf } from "./accepted-type.ts";
import { HttpError } from "../http-errors.ts";

/** Returns whether a request has a body of JSON in UTF-8. */
export function isJson(headers: IncomingMessage["headers"]): boolean {
  const { "content-type": contentType = "", "content-encoding": encoding } = headers;
  if (encoding !== undefined && !isIdentity(encoding)) return false;
  if (contentType === "application/json") return true;
  const type = mediaTypeOf(contentType);
  return type?.essence === "application/json" && isUtf8(type);
}

/** Returns true for a list of codings that leave the body unchanged. */
function isIdentity(encoding: string): boolean {
  return encoding.split(",").every((coding) => /^(?:identity)?$/i.test(coding.trim()));
}

/** Returns the parameters in a URL. Throws an HttpError. */
export function paramsOfUrl(url: string): RequestParams {
  const start = url.indexOf("?");
  // Further question marks are part of the query (RFC 3986, 3.4).
  const search = new URLSearchParams(start < 0 ? "" : url.slice(start));
  const json = (name: string) => {
    const text = search.get(name);
    if (text === null || text === "") return undefined;
    return parseJson(text, `\`${name}\` is not JSON.`);
  };
  return {
    query: search.get("query"),
    operationName: search.get("operationName"),
    variables: json("variables"),
    extensions: json("extensions"),
  };
}

/** Returns the parameters in a body. Throws an HttpError. */
export function paramsOfBody(text: string): RequestParams {
  // Rejected before it is parsed: it may be long.
  if (/^\s*\[/.test(text)) {
    throw new HttpError(400, "Batched requests are not supported. Send one at a time.");
  }
  if (hasTooManyValues(text)) throw tooManyValues();
  const params = parseJson(text, "The body is not JSON.");
  if (typeof params !== "object" || params === null) {
    throw new HttpError(400, "The body is not a JSON object.");
  }
  return params;
}

function tooManyValues(): HttpError {
  const definition = commonErrors.QUERY_TOO_COMPLEX;
  const message = `The request body has more than ${maxBodyValues} values.`;
  return new HttpError(definition.status, message, { definition, data: { limit: maxBodyValues } });
}

/** Parses JSON. Throws an HttpError with a message. */
function parseJson(text: string, message: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, message);
  }
}
