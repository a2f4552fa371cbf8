/** A request as it goes over the wire, and what has to stand in its answer. */
export interface LoadRequest {
  request: string;
  expected: string;
}

/** What one run of the generator is to do. */
export interface LoadOptions {
  port: number;
  shots: LoadRequest[];
  inFlight: number;
  seconds: number;
  /** Takes refusals, too: they are what is expected. */
  takesAll?: boolean;
}

/** What came of it. Latencies are in milliseconds. */
export interface Measured {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** A POST of JSON, whole. */
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

export function get(path: string, expected: string): LoadRequest {
  return { request: `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`, expected };
}
