import { eventually } from "../../../tools/support/eventually.ts";

/** An event of an event stream, as a browser reads it. */
export interface ServerEvent {
  event: string;
  id: string | undefined;
  data: Result | null;
}

export interface Result {
  data?: Record<string, Record<string, unknown>> | null;
  errors?: readonly { message: string; extensions: Record<string, unknown> }[];
}

interface StreamRequest {
  token?: string;
  variables?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** Sends the document as an EventSource does. */
  isGet?: boolean;
}

/** A response with Server-Sent Events. */
export interface OpenStream {
  response: Response;
  events: ServerEvent[];
  comments: () => number;
  isEnded: () => boolean;
  /** Disconnects the client. */
  close: () => void;
}

/** Sends a document and reads its event stream in the background. */
export async function openStream(
  url: string,
  query: string,
  { token, variables, headers, isGet = false }: StreamRequest = {},
): Promise<OpenStream> {
  const control = new AbortController();
  const all = {
    accept: "text/event-stream",
    ...(token !== undefined && { authorization: token }),
    ...headers,
  };
  const params = new URLSearchParams({ query, variables: JSON.stringify(variables ?? {}) });
  const response = isGet
    ? await fetch(`${url}/graphql?${params.toString()}`, { headers: all, signal: control.signal })
    : await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", ...all },
        body: JSON.stringify({ query, variables }),
        signal: control.signal,
      });
  const events: ServerEvent[] = [];
  const state = { comments: 0, isEnded: false };
  const read = async () => {
    let rest = "";
    const decoder = new TextDecoder();
    const chunks = (response.body ?? []) as AsyncIterable<Uint8Array>;
    for await (const chunk of chunks) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        if (block.startsWith(":")) state.comments += 1;
        else events.push(eventOf(block));
      }
    }
  };
  read()
    .catch((error: unknown) => {
      if (!control.signal.aborted && !String(error).includes("terminated")) throw error;
    })
    .finally(() => (state.isEnded = true));
  return {
    response,
    events,
    comments: () => state.comments,
    isEnded: () => state.isEnded,
    close() {
      control.abort();
    },
  };
}

function eventOf(block: string): ServerEvent {
  const fields = new Map(
    block.split("\n").map((line) => {
      const [, name = "", value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      return [name, value] as const;
    }),
  );
  const data = fields.get("data") ?? "";
  return {
    event: fields.get("event") ?? "message",
    id: fields.get("id"),
    data: data === "" ? null : (JSON.parse(data) as Result),
  };
}

/** Waits for the end of a stream, and gives its events. */
export async function streamed(url: string, query: string, request: StreamRequest = {}) {
  const stream = await openStream(url, query, request);
  await eventually("the end of the stream", () => stream.isEnded());
  return stream.events;
}
