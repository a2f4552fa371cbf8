import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "@jest/globals";
import { BrowserRules } from "../../services/api/http/browser-rules.ts";

const rules = new BrowserRules(["https://shop.example", "http://localhost:3000"]);
const isForeign = (headers: Record<string, string>) =>
  rules.isForeign({
    headers: { host: "api.example:8080", ...headers },
  } as never as IncomingMessage);

describe("a request is let in", () => {
  test.each([
    ["of a program", {}],
    ["of a page from here", { origin: "http://api.example:8080" }],
    [
      "of a page from here behind a balancer that speaks TLS",
      { origin: "https://api.example:8080" },
    ],
    ["of a listed site", { origin: "https://shop.example", "sec-fetch-site": "cross-site" }],
    ["by a page from here, which sends no origin", { "sec-fetch-site": "same-origin" }],
    ["typed in by a person", { "sec-fetch-site": "none" }],
  ])("%s", (_whose, headers) => {
    expect(isForeign(headers as Record<string, string>)).toBe(false);
  });
});

describe("a request is foreign", () => {
  test.each([
    ["of another site", { origin: "https://evil.example" }],
    ["of another port", { origin: "http://api.example:8081" }],
    ["of a listed site without its port", { origin: "http://localhost" }],
    ["of a file or a frame without an origin", { origin: "null" }],
    ["by an image or a form of another site", { "sec-fetch-site": "cross-site" }],
    ["of another host of the same site", { "sec-fetch-site": "same-site" }],
    ["with an origin that is none", { origin: "api.example:8080" }],
  ])("%s", (_whose, headers) => {
    expect(isForeign(headers as Record<string, string>)).toBe(true);
  });
});
