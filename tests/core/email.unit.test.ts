import { expect, test } from "@jest/globals";
import { emailPattern } from "../../core/email.ts";

test.each([
  "a@b.co",
  "first.last+tag@sub.example.com",
  "o'x@c.de",
  "a!#$%&*/=?^_`{|}~-@c.de",
  "\u00fc@\u00fcn\u00ef.example",
  "\u0915\u094d\u0937@\u0909\u0926\u093e.\u092d\u093e\u0930\u0924",
  "\u{1F600}@b.cd",
  "a@xn--nxa.com",
  "1@2.d3",
  `${"x".repeat(64)}@${"y".repeat(63)}.cd`,
])("%s is an email", (email) => {
  expect(email).toMatch(emailPattern);
});

test.each([
  "",
  "a",
  "@",
  "a@b",
  "@b.cd",
  "a@",
  "a@b.",
  "a b@c.de",
  "a@b@c.de",
  "a@b.de\n",
  "a@b.co,c@d.co",
  "a@b.cd,",
  "a@b.co;",
  "a;b@c.de",
  "mailto:a@b.cd",
  "a\\b@c.de",
  "<a>@b.co",
  "Ann <a@b.co>",
  '"a b"@c.d',
  "(c)a@b.cd",
  "a@b.cd(x)",
  "a@[127.0.0.1]",
  ".a@b.cd",
  "a.@b.cd",
  "a..b@c.de",
  "a@b..c",
  "a@.b.c",
  "a@b.cd.",
  "a@-b.c",
  "a@b-.c",
  "a@b.-c",
  "a@b.c-",
  "a@b_c.de",
  "a@127.0.0.1",
  "a@b\u200b.de",
  "a\u3164@b.de",
  "a@b\u00ad.de",
  "a\uff20b@c.de",
  "a@b\uff0fc.de",
  `${"x".repeat(65)}@b.cd`,
  `a@${"y".repeat(64)}.cd`,
  `${"a".repeat(60)}@${`${"b".repeat(60)}.`.repeat(3)}${"c".repeat(20)}`,
])("%j is no email", (email) => {
  expect(email).not.toMatch(emailPattern);
});
