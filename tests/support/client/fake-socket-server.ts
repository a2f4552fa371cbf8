import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

/** A subscription that the fake server has received. */
export interface ReceivedSubscription {
  authorization: unknown;
  variables: unknown;
  /** Sends an event with this data. */
  next: (data: object) => void;
  /** Ends the subscription with errors. */
  fail: (errors: object[]) => void;
  close: (code: number, reason: string) => void;
  /** Cuts the connection without a close frame. */
  cut: () => void;
}

interface ClientMessage {
  type: string;
  id: string;
  payload?: { authorization?: unknown; variables?: unknown };
}

/** A server of the protocol graphql-transport-ws whose subscriptions a test controls. */
export async function fakeSocketServer() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const received: ReceivedSubscription[] = [];
  const waiting: ((subscription: ReceivedSubscription) => void)[] = [];
  let completed = 0;
  /** Sends the pongs that wait; undefined while pings are answered at once. */
  let heldPongs: (() => void)[] | undefined;
  server.on("connection", (socket: WebSocket) => {
    let authorization: unknown;
    const send = (message: object) => {
      socket.send(JSON.stringify(message));
    };
    socket.on("message", (text: Buffer) => {
      const { type, id, payload } = JSON.parse(text.toString()) as ClientMessage;
      if (type === "connection_init") {
        authorization = payload?.authorization;
        send({ type: "connection_ack" });
      }
      if (type === "complete") completed++;
      if (type === "ping") {
        const pong = () => {
          send({ type: "pong" });
        };
        if (heldPongs) heldPongs.push(pong);
        else pong();
      }
      if (type !== "subscribe") return;
      const subscription: ReceivedSubscription = {
        authorization,
        variables: payload?.variables,
        next: (data) => {
          send({ type: "next", id, payload: { data } });
        },
        fail: (errors) => {
          send({ type: "error", id, payload: errors });
        },
        close: (code, reason) => {
          socket.close(code, reason);
        },
        cut: () => {
          socket.terminate();
        },
      };
      const resolve = waiting.shift();
      if (resolve) resolve(subscription);
      else received.push(subscription);
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    /** Returns the next subscription that arrives. */
    async subscription(): Promise<ReceivedSubscription> {
      const next = received.shift();
      return next ?? (await new Promise((resolve) => waiting.push(resolve)));
    },
    /** Answers no ping until the returned function is called. */
    holdPongs(): () => void {
      const held: (() => void)[] = [];
      heldPongs = held;
      return () => {
        heldPongs = undefined;
        for (const pong of held) pong();
      };
    },
    /** The number of subscriptions that the client has ended. */
    completed: () => completed,
    async stop() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
