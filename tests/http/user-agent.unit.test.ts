import { expect, test } from "@jest/globals";
import { userAgentOf } from "../../core/network/user-agent.ts";

test.each([
  ["one of a browser unchanged", "Mozilla/5.0 (X11; Linux)", "Mozilla/5.0 (X11; Linux)"],
  ["control characters and runs of blanks as one blank", " a\t\u0085 \u200bb ", "a b"],
  ["200 characters of a longer one", "x".repeat(300), "x".repeat(200)],
  ["nothing for blanks", "  \t ", undefined],
  ["nothing for an empty header", "", undefined],
  ["nothing without the header", undefined, undefined],
])("a user agent is stored as %s", (_title, header, expected) => {
  expect(userAgentOf(header)).toBe(expected);
});
