import { ShopClient } from "../../../../clients/typescript/src/index.ts";
import { followOtherTabs, updateSession } from "../session/session-store.ts";
import { consoleTokenStore } from "../session/token-store.ts";
import { LateClosingWebSocket } from "./late-closing-web-socket.ts";
import { watchedFetch } from "./watched-fetch.ts";

// Pages without HTTPS have no locks, whatever the types say.
const locks = (navigator as Partial<Navigator>).locks;

/** The client of the shop that all pages share. */
export const shop = new ShopClient({
  url: new URL("/graphql", location.href).href,
  tokenStore: consoleTokenStore(
    localStorage,
    locks && { request: async (name, work) => await locks.request(name, work) },
  ),
  fetch: watchedFetch,
  webSocket: LateClosingWebSocket,
  // Until a subscription is connected again, the page says that the shop does not answer.
  reconnect: { attempts: 120, maxMs: 5_000 },
  onSignedOut: () => {
    updateSession("ended");
  },
});

// The WebSocket belongs to the former user.
followOtherTabs(() => {
  shop.reconnect();
});
