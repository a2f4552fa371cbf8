import { titles } from "./titles.ts";

/** The texts of the charts below Operations. */
export const chartTexts = {
  title: titles.charts,
  intro: "The last hour, as the nodes have measured it. What a node has measured ends with it.",
  orders: "Orders",
  requests: "Requests",
  latency: "Response time of requests",
  errors: "Failed requests",
  lag: "Delay of events, from the change to its application",
  perSecond: "per second",
  duration: "duration, estimated",
  p50: "50% within",
  p95: "95% within",
  p99: "99% within",
  noDataTitle: "Nothing is measured yet",
  noDataText: "The first values appear a few seconds after the start of the gateway.",
  summary: (series: string, now: string, highest: string, at: string, mean: string) =>
    `${series}: now ${now}, highest ${highest} at ${at}, mean ${mean}.`,
  time: "Time",
  notKnown: "not known",
};
