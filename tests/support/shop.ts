import type { AddressInfo } from "node:net";
import { ServiceBroker } from "moleculer";
import type { TypedDocument } from "../../clients/typescript/src/index.ts";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { serviceNames } from "../../services/registry.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { createServices } from "../../services/load-services.ts";
import { cloneDatabases, type TestDatabases } from "./databases.ts";
import { generousMs } from "../../tools/support/eventually.ts";
import {
  graphql,
  type Answer,
  type Fields,
  type Request,
} from "../../tools/support/graphql-client.ts";

/** A shop for tests, in this process or another one. */
export interface ReachableShop {
  url: string;
  databases: TestDatabases;
  graphql<Data = Fields, Variables = Record<string, unknown>>(
    document: string | TypedDocument<Data, Variables>,
    request?: Request<Variables>,
  ): Promise<Answer<Data>>;
  /** Calls an action without a gateway. */
  call<Result>(action: string, params?: object): Promise<Result>;
  /** Registers a user without a gateway and signs in. */
  signIn(name: string, type?: number): Promise<{ id: string; token: string }>;
  stop(): Promise<void>;
}

/** A shop in the process of the test, with its own databases and port. */
export interface TestShop extends ReachableShop {
  broker: ServiceBroker;
}

export const password = "correct horse";

/**
 * Starts a shop with these settings in addition to the defaults.
 *
 * @param shared databases of another shop, which drops them when it stops
 */
export async function startTestShop(
  env: Record<string, string> = {},
  shared?: TestDatabases,
): Promise<TestShop> {
  const databases = shared ?? (await cloneDatabases());
  const { broker, url } = await openShop(env, databases.urls);
  return {
    ...clientOf(url, databases, operatorOf(broker)),
    broker,
    async stop() {
      await broker.stop();
      if (shared === undefined) await databases.drop();
    },
  };
}

/** Starts a shop in this process on a free port. */
export async function openShop(
  env: Record<string, string>,
  urls: TestDatabases["urls"],
): Promise<{ broker: ServiceBroker; url: string }> {
  const config = readConfig({ PORT: "0", LOG_LEVEL: "fatal", ...env }, singleProcessDefaults);
  const options = brokerOptions(config, "test", { databaseUrls: urls });
  // Late, because the machine may be busy.
  const broker = new ServiceBroker({ ...options, requestTimeout: generousMs });
  await createServices(broker, serviceNames);
  try {
    await broker.start();
  } catch (error) {
    // Otherwise the started services would run on beside the tests of other files.
    await broker.stop();
    throw error;
  }
  const { server } = broker.getLocalService("api") as unknown as {
    server: { address(): AddressInfo };
  };
  return { broker, url: `http://127.0.0.1:${server.address().port}` };
}

/** Returns a function that calls actions without a gateway, with a timeout for busy machines. */
export function operatorOf(broker: ServiceBroker) {
  return (action: string, params: object): Promise<unknown> =>
    broker.call(action, params, { timeout: generousMs });
}

/** @param operator calls an action of the shop */
export function clientOf(
  url: string,
  databases: TestDatabases,
  operator: (action: string, params: object) => Promise<unknown>,
): Omit<ReachableShop, "stop"> {
  const call = async <Result>(action: string, params: object = {}) =>
    (await operator(action, params)) as Result;
  return {
    url,
    databases,
    call,
    graphql: (document, request) => graphql(url, document, request),
    async signIn(name, type = 0) {
      const email = `${name}@example.com`;
      const account = { email, username: name, password, type };
      const user = await call<{ id: string }>("users.register", account);
      const { token } = await call<{ token: string }>("users.login", { email, password });
      return { id: user.id, token };
    },
  };
}
