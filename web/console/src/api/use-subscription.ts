import { useEffect, useEffectEvent } from "react";
import { isShopError, type TypedDocument } from "../../../../clients/typescript/src/index.ts";
import { noteConnected, noteDisconnected } from "./connection.ts";
import { isDenied } from "./error-text.ts";
import { shop } from "./shop.ts";

type NoVariables = Record<string, never>;

interface LiveOptions<Data> {
  onEvent: (data: Data) => void;
  /** Called for each new connection: events from before it may be missing. Query the present state. */
  onGap: () => void;
}

/** The client has tried to connect for minutes when it gives up; then this long between attempts. */
const pauseMs = 30_000;

/**
 * Receives the events of a subscription while the component is on the page. All subscriptions share
 * one WebSocket, and continue after a lost connection.
 */
export function useSubscription<Data>(
  document: TypedDocument<Data, NoVariables>,
  { onEvent, onGap }: LiveOptions<Data>,
): void {
  const receive = useEffectEvent(onEvent);
  const restart = useEffectEvent(onGap);
  useEffect(() => {
    const leave = new AbortController();
    void follow(document, { receive, restart }, leave.signal).finally(() => {
      noteConnected(leave.signal);
    });
    return () => {
      leave.abort();
    };
  }, [document]);
}

interface Effects<Data> {
  receive: (data: Data) => void;
  restart: () => void;
}

/** Iterates until the signal. Begins again after a failure that a new connection can mend. */
async function follow<Data>(
  document: TypedDocument<Data, NoVariables>,
  { receive, restart }: Effects<Data>,
  signal: AbortSignal,
): Promise<void> {
  const hasLeft = () => signal.aborted;
  const onConnected = () => {
    noteConnected(signal);
    restart();
  };
  const onDisconnected = () => {
    if (!hasLeft()) noteDisconnected(signal);
  };
  while (!hasLeft()) {
    try {
      const options = { signal, onConnected, onDisconnected };
      for await (const data of shop.subscribe(document, {}, options)) receive(data);
    } catch (error) {
      if (hasLeft()) return;
      if (isDenied(error) || isShopError(error, "BAD_USER_INPUT")) return;
      if (isShopError(error, "CURSOR_EXPIRED")) continue;
      onDisconnected();
      await pause(signal);
    }
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, pauseMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
