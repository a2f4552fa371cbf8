import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "@jest/globals";
import { BrowserRules } from "../../services/api/http/browser-rules.ts";

const rules = new BrowserRules(["https://shop.example", "http://localhost:3000"]);
const isForeign = (headers: Record<string, string>) =>
  rules.isForeign({
    headers: { host: "api.example:8080", ...headers },
  } as never as IncomingMessage);

describe("the browser rules accept a request", () => {
  test.each([
    ["without browser headers", {}],
    ["of a same-origin page", { origin: "http://api.example:8080" }],
    ["of a same-origin page behind a balancer with TLS", { origin: "https://api.example:8080" }],
    [
      "of a same-origin page whose proxy names the default port",
      { origin: "https://shop.test", host: "shop.test:443" },
    ],
    [
      "of a same-origin page whose proxy uses capitals",
      { origin: "http://shop.test", host: "SHOP.Test:80" },
    ],
    ["of a same-origin page of IPv6", { origin: "http://[::1]:8080", host: "[0:0::1]:8080" }],
    ["of a listed origin", { origin: "https://shop.example", "sec-fetch-site": "cross-site" }],
    ["of a same-origin page without an Origin header", { "sec-fetch-site": "same-origin" }],
    ["of the address bar", { "sec-fetch-site": "none" }],
  ])("%s", (_title, headers) => {
    expect(isForeign(headers as Record<string, string>)).toBe(false);
  });
});

describe("the browser rules treat a request as foreign", () => {
  test.each([
    ["of another site", { origin: "https://evil.example" }],
    ["of another port", { origin: "http://api.example:8081" }],
    ["of a listed host without its port", { origin: "http://localhost" }],
    ["of a file or a sandboxed frame", { origin: "null" }],
    ["of an image or a form of another site", { "sec-fetch-site": "cross-site" }],
    ["of another host of the same site", { "sec-fetch-site": "same-site" }],
    ["of the default port of another scheme", { origin: "http://a.test", host: "a.test:443" }],
    ["of no host, and with an empty Host", { origin: "data:,x", host: "" }],
    ["of an empty host, and with an empty Host", { origin: "http://", host: "" }],
    ["with a Host that is more than a host", { origin: "http://a.test", host: "x@a.test" }],
    ["with a path in its Host", { origin: "http://a.test", host: "a.test/x" }],
    ["with a malformed origin", { origin: "api.example:8080" }],
  ])("%s", (_title, headers) => {
    expect(isForeign(headers as Record<string, string>)).toBe(true);
  });
});
