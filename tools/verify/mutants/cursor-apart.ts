import { changeSource, rollBack } from "./change-source.ts";

/** The cursor moves at once and for good, whatever becomes of the effect. */
/** Of the commits of sales, each third fails. */
const failsEach = 3;
let commits = 0;

changeSource("the cursor's lock", {
  concerns: ({ text }) => /FROM event_cursors\b[^;]*FOR UPDATE/.test(text),
  run: ({ text, values }, send) => send(text.replace("FOR UPDATE", ""), values),
});
changeSource("the cursor's step", {
  concerns: ({ text, earlier }) =>
    text.includes("UPDATE event_cursors") &&
    earlier.some((statement) => statement.includes("SET state = 'SOLD'")),
  run: ({ text, values }, _send, aside) => aside(text, values),
});
changeSource("commits that fail", {
  concerns: ({ text, earlier }) =>
    text.startsWith("COMMIT") &&
    earlier.some((statement) => statement.includes("SET state = 'SOLD'")),
  async run({ text }, send) {
    commits += 1;
    return commits % failsEach === 0 ? rollBack(send) : send(text);
  },
});
