import { describe, expect, test } from "@jest/globals";
import { addressGroup } from "../../core/caller-address.ts";

describe("callers are counted by", () => {
  test.each([
    ["an IPv4 address", "192.0.2.1", "192.0.2.1"],
    ["the IPv4 address in IPv6's clothes", "::ffff:192.0.2.1", "192.0.2.1"],
    ["the same in hexadecimal", "::FFFF:C000:0201", "192.0.2.1"],
    ["and in its longest form", "0:0:0:0:0:ffff:c000:0201", "192.0.2.1"],
    ["the network of an IPv6 address", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["the same, whatever it ends in", "2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"],
    ["the same, however it is written", "2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
    ["its zeros, where it leaves them out", "2001:db8::1", "2001:db8:0:0::/64"],
    ["the network of this machine", "::1", "0:0:0:0::/64"],
    ["an address without its interface", "fe80::1%eth0", "fe80:0:0:0::/64"],
    ["what is no address, as it is", "a proxy's word", "a proxy's word"],
    ["nothing, where there is nothing", "", ""],
  ])("%s: %s", (_what, address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});

test("neighbouring networks are different callers", () => {
  expect(addressGroup("2001:db8:1:2::1")).not.toBe(addressGroup("2001:db8:1:3::1"));
  expect(addressGroup("192.0.2.1")).not.toBe(addressGroup("192.0.2.2"));
});
