import { expect, test } from "@jest/globals";
import { faultsOf, read } from "../support/read-config.ts";

test.each([
  "127.0.0.1",
  "0.0.0.0",
  "::",
  "::1",
  "fe80::1%eth0",
  "::ffff:10.0.0.1",
  "localhost",
  "shop-1.example.com",
  "my_host.local.",
  "1password.example",
  "bücher.example",
])("HOST may be %s", (HOST) => {
  expect(read({ HOST }).host).toBe(HOST);
});

test.each([
  "0",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0x7f.0.0.1",
  "0177.0.0.1",
  "127.0.0.256",
  "1.2.3.4.",
  "1.2.3.4.5",
  "[::1]",
  "::1::",
  "http://localhost",
  "localhost:8080",
  "a..b",
  "two words",
  "*",
  "a".repeat(300),
  `${"abcdefgh.".repeat(40)}example`,
])("HOST cannot be %s", (HOST) => {
  const shown = HOST.length > 80 ? `${HOST.slice(0, 80)}…` : HOST;
  expect(faultsOf({ HOST })).toEqual([
    `HOST must be an IPv4 address in four parts, an IPv6 address or a host name, not "${shown}"; for example HOST=127.0.0.1`,
  ]);
});
