import type { IncomingMessage } from "node:http";
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
  const operationName = search.get("operationName");
  return {
    query: search.get("query"),
    // An empty parameter counts as missing.
    operationName: operationName === "" ? undefined : operationName,
    variables: json("variables"),
    extensions: json("extensions"),
  };
}

/** Parses JSON. Throws an HttpError with a message. */
export function parseJson(text: string, message: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, message);
  }
}
