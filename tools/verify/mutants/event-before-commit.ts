import { changeSource, rollBack } from "./change-source.ts";

/** The event is in the log for everybody, before and even if its sale is not committed. */
const sale = "SET state = 'SOLD'";
/** Of the commits of sales, each third fails. */
const failsEach = 3;
let commits = 0;

changeSource("the entry in the log", {
  concerns: ({ text, earlier }) =>
    text.includes("append_events") && earlier.some((statement) => statement.includes(sale)),
  run: ({ text, values }, _send, aside) => aside(text, values),
});
changeSource("commits that fail", {
  concerns: ({ text, earlier }) =>
    text.startsWith("COMMIT") && earlier.some((statement) => statement.includes(sale)),
  async run({ text }, send) {
    commits += 1;
    return commits % failsEach === 0 ? rollBack(send) : send(text);
  },
});
