import { expect, test } from "@jest/globals";
import { buildSchema } from "graphql";
import { Instruments } from "../../core/metrics/instruments.ts";
import { OperationMetrics } from "../../services/api/observability/operation-metrics.ts";
import { OrderMetrics } from "../../services/orders/order-metrics.ts";

// `rate` and `increase` of Prometheus ignore the first sample of a series.

/** The series of a metric, as a first scrape reads them. */
async function seriesOf(name: string, begin: (instruments: Instruments) => void) {
  const instruments = new Instruments(true, () => undefined);
  begin(instruments);
  const metric = (await instruments.collect()).find((each) => each.name === name);
  return metric?.samples.map(({ labels, value }) => [...Object.values(labels), value].join(" "));
}

test("the series of each root field begin at 0 for success and for faults", async () => {
  const schema = buildSchema("type Query { mug: ID } type Mutation { buy: ID }");
  const series = await seriesOf("shop_graphql_operations_total", (instruments) => {
    new OperationMetrics(instruments).begin(schema);
  });
  const codes = ["OK", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"];
  const [, ...faults] = codes;
  expect(series).toEqual([
    ...codes.map((code) => `query mug ${code} 0`),
    ...codes.map((code) => `mutation buy ${code} 0`),
    ...faults.map((code) => `none none ${code} 0`),
  ]);
});

test("the series of rejected orders begin at 0", async () => {
  const series = await seriesOf("shop_orders_rejected_total", (instruments) => {
    new OrderMetrics(instruments);
  });
  expect(series).toEqual(["OUT_OF_STOCK 0", "SERVICE_UNAVAILABLE 0", "INTERNAL_SERVER_ERROR 0"]);
});
