import { describe, expect, test } from "@jest/globals";
import { acceptedType, acceptsEventStream } from "../../services/api/http/graphql/accepted-type.ts";

const json = "application/json";
const graphqlJson = "application/graphql-response+json";
const eventStream = "text/event-stream";

describe("an Accept header", () => {
  test.each<[string | undefined, string | undefined]>([
    [undefined, json],
    ["", json],
    ["*/*", json],
    ["application/*", json],
    [graphqlJson, graphqlJson],
    [`${graphqlJson}, ${json}`, graphqlJson],
    [`${json}, ${graphqlJson}`, json],
    [`${json};q=0.5, ${graphqlJson};q=0.9`, graphqlJson],
    [`${json};q=0.9, ${graphqlJson};q=0.5`, json],
    [`${graphqlJson};q=0, */*`, json],
    [`${json};q=0, */*`, graphqlJson],
    [`${json};q=0, ${graphqlJson};q=0, */*`, undefined],
    [`application/*;q=0, ${json}`, json],
    [`application/*;q=0, */*`, undefined],
    [`*/*;q=0, ${graphqlJson};q=0.001`, graphqlJson],
    ["*/*;q=0", undefined],
    [`${json};q=0`, undefined],
    [`${json};q=0.000`, undefined],
    [`text/html, */*;q=0.1`, json],
    ["text/*, image/png", undefined],
    [eventStream, eventStream],
    [`${eventStream}, multipart/mixed`, eventStream],
    [`${graphqlJson}, ${json}, ${eventStream}`, graphqlJson],
    [`${eventStream};q=0, */*`, json],
    ["text/*, */*;q=0.1", json],
    ["APPLICATION/JSON;Q=0.3", json],
    [`${json};charset=utf-8`, json],
    [`${json}; Charset="UTF8"`, json],
    [`${json};charset=utf-16`, undefined],
    [`${json};charset=utf-16, ${graphqlJson};q=0.1`, graphqlJson],
    [`${json};charset=utf-8;q=0, */*;q=0.5`, graphqlJson],
    [`${json};q=nonsense`, undefined],
    [`text/plain;a="b, ${json}"`, undefined],
    [`text/plain;a="b\\", c", ${json}`, json],
    [`text/plain;a="b`, undefined],
    ["constructor", undefined],
    ["__proto__", undefined],
    ["toString, hasOwnProperty", undefined],
    ["constructor/prototype", undefined],
    [",,;;,", undefined],
    [`,, ${json} ,`, json],
  ])("%j selects %j", (accept, type) => {
    expect(acceptedType(accept)).toBe(type);
    // The second result comes from the cache.
    expect(acceptedType(accept)).toBe(type);
  });

  test("with thousands of quotes and commas is parsed in linear time", () => {
    for (const part of ['"', ',"', '"\\', "a/b;c=", "*/*;q="]) {
      const accept = `${part.repeat(8_000)}, application/json`;
      const startedAtMs = performance.now();
      acceptedType(accept);
      // Quadratic time would take many seconds.
      expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    }
  });
});

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ["*/*", false],
  ["text/*", false],
  [eventStream, true],
  [`${json}, ${eventStream};q=0.1`, true],
  [`${eventStream};q=0`, false],
])("the Accept header %j accepts event streams: %j", (accept, isAccepted) => {
  expect(acceptsEventStream(accept)).toBe(isAccepted);
});
