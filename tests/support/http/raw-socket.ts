import { WebSocket } from "ws";
import { eventually } from "../../../tools/support/eventually.ts";

/** A message of the protocol graphql-transport-ws. */
interface Message {
  type: string;
  id?: string;
  payload?: unknown;
}

/** Opens a WebSocket for GraphQL over a plain connection. */
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

/** A WebSocket on which a test says what it likes. */
export interface RawSocket {
  socket: WebSocket;
  /** All that has come, oldest first. */
  messages: Message[];
  /** The code that it was closed with, or the status by which it was refused. */
  end: () => number | undefined;
  say: (message: unknown) => void;
  /** Introduces itself, and waits until it is taken. */
  init: (payload?: object) => Promise<void>;
  /** Waits for the message of this type (and id). */
  told: (type: string, id?: string) => Promise<Message>;
  /** Waits until the connection has ended, and gives its code. */
  ended: () => Promise<number>;
}

interface Options {
  path?: string;
  protocol?: string;
  headers?: Record<string, string>;
}

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
  // What breaks the protocol ends in a close as well.
  socket.on("error", () => undefined);

  const say = (message: unknown) => {
    socket.send(typeof message === "string" ? message : JSON.stringify(message));
  };
  const told = (type: string, id?: string) =>
    eventually(`a message "${type}" comes`, () =>
      messages.find((message) => message.type === type && (id === undefined || message.id === id)),
    );
  return {
    socket,
    messages,
    say,
    told,
    end: () => code,
    async init(payload) {
      await eventually("it is open", () => socket.readyState === WebSocket.OPEN);
      say({ type: "connection_init", payload });
      await told("connection_ack");
    },
    ended: () => eventually("the connection ends", () => code),
  };
}
