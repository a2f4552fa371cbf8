import { expect, test } from "@jest/globals";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { areDatabasesNamed } from "../../commands/node/cluster-node.ts";
import { domainServices, type ServiceName } from "../../services/registry.ts";

const urlOf = (service: string) => `postgres://shop@localhost/${service}`;
const allUrls = Object.fromEntries(
  domainServices.map((name) => [`${name.toUpperCase()}_DB_URL`, urlOf(name)]),
);

function named(env: NodeJS.ProcessEnv, services: readonly ServiceName[] = domainServices): boolean {
  return areDatabasesNamed(readConfig(env, singleProcessDefaults), services);
}

test("without a setting of a cluster, db:migrate uses the embedded databases", () => {
  expect(named({})).toBe(false);
  expect(named({ DATA_DIR: "elsewhere", PORT: "0" })).toBe(false);
});

test("db:migrate uses the databases that the settings name", () => {
  expect(named(allUrls)).toBe(true);
  expect(named({ ORDERS_DB_URL: urlOf("orders") }, ["orders"])).toBe(true);
});

test.each(domainServices)("db:migrate fails if only the URL of %s is missing", (service) => {
  const setting = `${service.toUpperCase()}_DB_URL`;
  const env = { ...allUrls, [setting]: undefined };
  expect(() => named(env)).toThrow(
    new RegExp(`^${setting} is not set; for example .*\\n.*SERVICES=users,products,orders`),
  );
});

test("db:migrate fails if NATS is named and no database is", () => {
  expect(() => named({ TRANSPORTER: "nats://localhost:4222" })).toThrow("USERS_DB_URL is not set");
});
