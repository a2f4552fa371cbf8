import { breakAt, rollBack } from "./break-at.ts";

/** The event is in the log for everybody, before and even if its order is not committed. */
const order = /INSERT INTO orders\b/;
/** Of the commits of orders, each third fails. */
const failsEach = 3;
let commits = 0;

breakAt("the entry in the log", {
  concerns: ({ text, earlier }) =>
    /INSERT INTO event_log\b/.test(text) && earlier.some((statement) => order.test(statement)),
  run: ({ text, values }, _send, aside) => aside(text, values),
});
breakAt("commits that fail", {
  concerns: ({ text, earlier }) =>
    text.startsWith("COMMIT") && earlier.some((statement) => order.test(statement)),
  async run({ text }, send) {
    commits += 1;
    return commits % failsEach === 0 ? rollBack(send) : send(text);
  },
});
