import type { Server } from "node:http";
import { promisify } from "node:util";
import type { TestShop } from "../shop.ts";

/** Returns the HTTP server of the shop's gateway. */
export function gatewayServer({ broker }: Pick<TestShop, "broker">): Server {
  return (broker.getLocalService("api") as unknown as { server: Server }).server;
}

/** Counts the connections that the gateway has open. */
export function openConnections(shop: TestShop): Promise<number> {
  const server = gatewayServer(shop);
  return promisify(server.getConnections.bind(server))();
}
