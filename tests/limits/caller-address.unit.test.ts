import { describe, expect, test } from "@jest/globals";
import { addressGroup } from "../../core/network/caller-address.ts";

describe("addressGroup gives", () => {
  test.each([
    ["an IPv4 address itself", "192.0.2.1", "192.0.2.1"],
    ["the IPv4 address of an IPv4-mapped IPv6 address", "::ffff:192.0.2.1", "192.0.2.1"],
    ["the same for hexadecimal notation", "::FFFF:C000:0201", "192.0.2.1"],
    ["the same for the full notation", "0:0:0:0:0:ffff:c000:0201", "192.0.2.1"],
    ["the /64 network of an IPv6 address", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    [
      "the same network for another interface identifier",
      "2001:db8:1:2:ffff::9",
      "2001:db8:1:2::/64",
    ],
    ["the same network for leading zeros", "2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
    ["the network of a compressed address", "2001:db8::1", "2001:db8:0:0::/64"],
    ["the network of the loopback address", "::1", "0:0:0:0::/64"],
    ["the network of an address without its zone", "fe80::1%eth0", "fe80:0:0:0::/64"],
    ["a text that is no address unchanged", "not an address", "not an address"],
    ["an empty text for an empty text", "", ""],
  ])("%s: %s", (_title, address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});

test("addressGroup distinguishes neighbouring networks", () => {
  expect(addressGroup("2001:db8:1:2::1")).not.toBe(addressGroup("2001:db8:1:3::1"));
  expect(addressGroup("192.0.2.1")).not.toBe(addressGroup("192.0.2.2"));
});
