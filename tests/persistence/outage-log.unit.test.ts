import { expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { ConnectionRefusedError } from "sequelize";
import { outageLog } from "../../database/errors/outage-log.ts";
import { openSequelize } from "../../database/sequelize.ts";

function createLog() {
  const warn = jest.fn();
  const broker = { stopping: false, getLogger: () => ({ warn }) };
  return { warn, log: outageLog("orders", () => broker as unknown as ServiceBroker) };
}

test("a statement of a service that was replaced logs no outage", async () => {
  const sequelize = openSequelize("postgres://localhost/none", 1);
  await sequelize.close();
  const error: unknown = await sequelize.query("SELECT 1").catch((error: unknown) => error);
  expect(String(error)).toContain("closed");
  const { warn, log } = createLog();
  log(error);
  expect(warn).not.toHaveBeenCalled();
});

test("a refused connection logs an outage", () => {
  const { warn, log } = createLog();
  log(new ConnectionRefusedError(new Error("connect ECONNREFUSED")));
  expect(warn.mock.calls[0]?.[0]).toBe("The database of orders is unavailable.");
});
