import type { AddressInfo } from "node:net";
import { ServiceBroker } from "moleculer";
import { readConfig, serviceNames, singleProcessDefaults } from "../../core/config.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { createServices } from "../../services/load-services.ts";
import { cloneDatabases, type TestDatabases } from "./databases.ts";
import { graphql, type Answer, type Fields, type Request } from "./graphql-client.ts";

/** A whole shop in the test's process, on databases and a port of its own. */
export interface TestShop {
  url: string;
  broker: ServiceBroker;
  databases: TestDatabases;
  graphql<Data = Fields>(query: string, request?: Request): Promise<Answer<Data>>;
  /** Calls an action as the operator. */
  call<Result>(action: string, params?: object): Promise<Result>;
  /** Registers a user as the operator and signs them in. */
  signIn(name: string, type?: number): Promise<{ id: string; token: string }>;
  stop(): Promise<void>;
}

export const password = "correct horse";

/**
 * Starts a shop with these settings besides the defaults.
 *
 * @param shared databases of another shop, which drops them when it stops
 */
export async function startTestShop(
  env: Record<string, string> = {},
  shared?: TestDatabases,
): Promise<TestShop> {
  const databases = shared ?? (await cloneDatabases());
  const config = readConfig({ PORT: "0", LOG_LEVEL: "fatal", ...env }, singleProcessDefaults);
  const broker = new ServiceBroker(brokerOptions(config, "test"));
  await createServices(broker, serviceNames, config, databases.urls);
  await broker.start();
  const { server } = broker.getLocalService("api") as unknown as {
    server: { address(): AddressInfo };
  };
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    broker,
    databases,
    graphql: (query, request) => graphql(url, query, request),
    call: (action, params = {}) => broker.call(action, params),
    async signIn(name, type = 0) {
      const email = `${name}@example.com`;
      const user = await broker.call<{ id: string }, object>("users.register", {
        ...{ email, username: name, password, type },
      });
      const input = { email, password };
      const { token } = await broker.call<{ token: string }, object>("users.login", input);
      return { id: user.id, token };
    },
    async stop() {
      await broker.stop();
      if (shared === undefined) await databases.drop();
    },
  };
}
