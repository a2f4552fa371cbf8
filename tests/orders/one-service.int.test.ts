import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { ServiceBroker, type Context } from "moleculer";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import ordersService from "../../services/orders/orders.service.ts";
import type { Reservation } from "../../services/products/products.contract.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

let databases: TestDatabases;
let broker: ServiceBroker;

beforeAll(async () => {
  databases = await cloneDatabases();
  const config = readConfig({ LOG_LEVEL: "fatal" }, singleProcessDefaults);
  broker = new ServiceBroker(brokerOptions(config, "test", { databaseUrls: databases.urls }));
  broker.createService(ordersService(broker));
  // In place of the products service.
  broker.createService({
    name: "products",
    actions: {
      reserve: ({ params }: Context<Reservation>) =>
        params.lines.map((line) => ({ ...line, price: 990 })),
    },
  });
  await broker.start();
});
afterAll(async () => {
  await broker.stop();
  await databases.drop();
});

test("an order has the prices of its reservation", async () => {
  const order = await broker.call("orders.place", {
    user_id: randomUUID(),
    order_products: [{ product_id: randomUUID(), quantity: 2 }],
  });
  expect(order).toMatchObject({ price_total: 1980, status: "PLACED" });
});
