import { WebSocket } from "ws";
import { eventually } from "../../../tools/support/eventually.ts";

/** A message of the protocol graphql-transport-ws. */
interface Message {
  type: string;
  id?: string;
  payload?: unknown;
}

/** The upgrade request of a GraphQL WebSocket, for a raw connection. */
export const handshake = [
  "GET /graphql HTTP/1.1",
  "host: shop",
  "connection: upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
  "sec-websocket-protocol: graphql-transport-ws",
  "",
  "",
].join("\r\n");

/** A WebSocket on which a test sends any messages. */
export interface RawSocket {
  socket: WebSocket;
  /** The received messages, oldest first. */
  messages: Message[];
  /** The close code, or the HTTP status of a rejected upgrade. */
  end: () => number | undefined;
  send: (message: unknown) => void;
  /** Sends connection_init and waits for connection_ack. */
  init: (payload?: object) => Promise<void>;
  /** Waits for a message of this type (and id). */
  receive: (type: string, id?: string) => Promise<Message>;
  /** Waits for the end of the connection. Returns the close code or status. */
  ended: () => Promise<number>;
}

interface Options {
  path?: string;
  protocol?: string;
  headers?: Record<string, string>;
}

/** Opens a WebSocket to the gateway. */
export function openSocket(url: string, options: Options = {}): RawSocket {
  const { path = "/graphql", protocol = "graphql-transport-ws", headers = {} } = options;
  const socket = new WebSocket(`${url.replace("http", "ws")}${path}`, protocol, { headers });
  const messages: Message[] = [];
  let code: number | undefined;
  socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  socket.on("unexpected-response", (_request, { statusCode }) => {
    code = statusCode;
    socket.terminate();
  });
  socket.on("close", (closedWith) => (code ??= closedWith));
  // A protocol error is followed by a close event.
  socket.on("error", () => undefined);

  const send = (message: unknown) => {
    socket.send(typeof message === "string" ? message : JSON.stringify(message));
  };
  const receive = (type: string, id?: string) =>
    eventually(`a message of type "${type}"`, () =>
      messages.find((message) => message.type === type && (id === undefined || message.id === id)),
    );
  return {
    socket,
    messages,
    send,
    receive,
    end: () => code,
    async init(payload) {
      await eventually("the WebSocket being open", () => socket.readyState === WebSocket.OPEN);
      send({ type: "connection_init", payload });
      await receive("connection_ack");
    },
    ended: () => eventually("the end of the connection", () => code),
  };
}
