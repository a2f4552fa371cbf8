import { describe, expect, test } from "@jest/globals";
import { acceptedType } from "../../services/api/http/accepted-type.ts";

const older = "application/json";
const newer = "application/graphql-response+json";

describe("an Accept header", () => {
  test.each<[string | undefined, string | undefined]>([
    [undefined, older],
    ["", older],
    ["*/*", older],
    ["application/*", older],
    [newer, newer],
    [`${newer}, ${older}`, newer],
    [`${older}, ${newer}`, older],
    [`${older};q=0.5, ${newer};q=0.9`, newer],
    [`${older};q=0.9, ${newer};q=0.5`, older],
    [`${newer};q=0, */*`, older],
    [`${older};q=0, */*`, newer],
    [`${older};q=0, ${newer};q=0, */*`, undefined],
    [`application/*;q=0, ${older}`, older],
    [`application/*;q=0, */*`, undefined],
    [`*/*;q=0, ${newer};q=0.001`, newer],
    ["*/*;q=0", undefined],
    [`${older};q=0`, undefined],
    [`${older};q=0.000`, undefined],
    [`text/html, */*;q=0.1`, older],
    ["text/*, image/png", undefined],
    ["APPLICATION/JSON;Q=0.3", older],
    [`${older};charset=utf-8`, older],
    [`${older}; Charset="UTF8"`, older],
    [`${older};charset=utf-16`, undefined],
    [`${older};charset=utf-16, ${newer};q=0.1`, newer],
    [`${older};charset=utf-8;q=0, */*;q=0.5`, newer],
    [`${older};q=nonsense`, undefined],
    [`text/plain;a="b, ${older}"`, undefined],
    [`text/plain;a="b\\", c", ${older}`, older],
    [`text/plain;a="b`, undefined],
    ["constructor", undefined],
    ["__proto__", undefined],
    ["toString, hasOwnProperty", undefined],
    ["constructor/prototype", undefined],
    [",,;;,", undefined],
    [`,, ${older} ,`, older],
  ])("of %j means %j", (accept, type) => {
    expect(acceptedType(accept)).toBe(type);
    // Also when it is known.
    expect(acceptedType(accept)).toBe(type);
  });

  test("of many quotes and commas is read in a moment", () => {
    for (const part of ['"', ',"', '"\\', "a/b;c=", "*/*;q="]) {
      const accept = `${part.repeat(8_000)}, application/json`;
      const startedAtMs = performance.now();
      acceptedType(accept);
      // Quadratic time would take many seconds.
      expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    }
  });
});
