import { expect, jest, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { defineContract } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import { serviceUnavailable } from "../../core/errors.ts";
import { eventually } from "../../tools/support/eventually.ts";

test("periodic work that waits for a database says so once, however often it runs", async () => {
  const broker = new ServiceBroker({ logger: false });
  let runs = 0;
  const contract = defineContract({ name: "shelf", actions: {}, events: {} });
  const service = broker.createService(
    defineService(contract, {
      actions: {},
      periodically: [
        {
          everyMs: 1,
          async run() {
            runs += 1;
            throw serviceUnavailable("The database is unavailable.");
          },
        },
      ],
    }),
  );
  const warn = jest.spyOn(service.logger, "warn");
  await broker.start();
  await eventually("five runs", () => runs >= 5);
  await broker.stop();
  expect(warn.mock.calls).toEqual([
    ["The periodic work of shelf waits for the next run: The database is unavailable."],
  ]);
});
