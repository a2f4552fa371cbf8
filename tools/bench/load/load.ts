/** A complete HTTP request, and a text that its response must contain. */
export interface LoadRequest {
  request: string;
  expected: string;
  /** Requests that are sent one after the other on the same connection, and count as one with this one. */
  followedBy?: LoadRequest[];
}

/** One run of the load generator. */
export interface LoadOptions {
  port: number;
  /**
   * Each worker starts at its own number and goes on in steps of `inFlight`. If the number of requests
   * is a multiple of `inFlight`, no request is sent by two workers at the same time.
   */
  requests: LoadRequest[];
  inFlight: number;
  seconds: number;
  /** Accepts error responses, for loads that are expected to be rejected. */
  acceptsAnyResponse?: boolean;
}

/** The result of one run. */
export interface Measured {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Builds a POST request with a JSON body. */
export function post(path: string, body: object, expected: string, token?: string): LoadRequest {
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    "content-type: application/json",
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  return { request: `${head.join("\r\n")}\r\n\r\n${text}`, expected };
}

/** Builds a GET request. */
export function get(path: string, expected: string): LoadRequest {
  return { request: `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`, expected };
}
