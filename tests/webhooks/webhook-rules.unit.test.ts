import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { retryAfterMs, retryPauseMs } from "../../services/webhooks/sending/retry-schedule.ts";
import { sendWebhook } from "../../services/webhooks/sending/send-webhook.ts";
import { signatureHeaders } from "../../services/webhooks/sending/sign-webhook.ts";
import {
  checkedLookup,
  checkNewUrl,
  checkUrl,
  ForbiddenAddressError,
  isPublicAddress,
  type Resolve,
} from "../../services/webhooks/endpoints/address-rules.ts";
import { WebhookSecrets } from "../../services/webhooks/endpoints/webhook-secrets.ts";
import { startReceiver } from "../support/fakes/webhook-receiver.ts";

const strict = { allowHttp: false, allowPrivate: false };
const open = { allowHttp: true, allowPrivate: true };
const newSecret = () => `whsec_${randomBytes(32).toString("base64")}`;

describe("a signature", () => {
  const body = '{"type":"order.placed","data":{"name":"Größe 🎉"}}';

  test("is accepted by the reference implementation of Standard Webhooks", () => {
    const secret = newSecret();
    const headers = signatureHeaders("01a2-id", new Date(), body, [secret]);
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
    expect(() => new Webhook(secret).verify(body.replace("placed", "paid"), headers)).toThrow();
  });

  test("of two secrets is accepted with each of them", () => {
    const secrets = [newSecret(), newSecret()];
    const headers = signatureHeaders("01a2-id", new Date(), body, secrets);
    expect(headers["webhook-signature"]?.split(" ")).toHaveLength(2);
    for (const secret of secrets) {
      expect(new Webhook(secret).verify(body, headers)).toBeTruthy();
    }
  });
});

test("secrets are stored encrypted, and open for their webhook only", async () => {
  const secrets = new WebhookSecrets("a-long-random-secret");
  const stored = await secrets.create("one");
  const row = { secret: stored, former_secret: null };
  const [secret] = await secrets.open({ id: "one", ...row });
  expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
  expect(stored).not.toContain(secret.slice(6));
  await expect(secrets.open({ id: "two", ...row })).rejects.toThrow("the webhooks database");
});

describe("the URL of a webhook", () => {
  test.each([
    "https://example.com/hook?key=1",
    "https://example.com:8443/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
  ])("can be %s", (url) => {
    expect(checkNewUrl(url, strict).url?.href).toBe(url);
  });

  test.each([
    ["", "must be a URL that begins with https://."],
    ["example.com", "must be a URL that begins with https://."],
    ["http://example.com/", "must be a URL that begins with https://."],
    ["ftp://example.com/", "must be a URL that begins with https://."],
    ["https://user@example.com/", "must not contain credentials."],
    ["https://:word@example.com/", "must not contain credentials."],
    ["https://@example.com/", "must not contain credentials."],
    ["https://example.com/#part", "must not contain a fragment."],
    ["https://example.com/#", "must not contain a fragment."],
    ["https:example.com", "must be a URL that begins with https://."],
    ["https:/example.com", "must be a URL that begins with https://."],
    ["https:///example.com", "must be a URL that begins with https://."],
    ["https:\\\\example.com", "must be a URL that begins with https://."],
    [" https://example.com/", "must not contain control characters, nor blanks at its ends."],
    ["https://example.com/\u00a0", "must not contain control characters, nor blanks at its ends."],
    ["https://exam\nple.com/", "must not contain control characters, nor blanks at its ends."],
    ["https://example.com:0/", "must not have the port 0."],
    ["https://..com/", "must have a valid host name."],
    [`https://${"a".repeat(64)}.com/`, "must have a valid host name."],
    [`https://example.com/${"ä".repeat(1_000)}`, "must be at most 2000 characters, encoded."],
  ])("cannot be %s", (url, fault) => {
    expect(checkNewUrl(url, strict).fault).toBe(fault);
  });

  test.each([
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0/",
    "https://10.1.2.3/",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[fd00::1]/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://shop.localhost:8443/",
  ])("cannot be %s, because the address is not public", (url) => {
    expect(checkNewUrl(url, strict).fault).toBe("must name a public address.");
  });

  test.each([
    ["HTTPS://EXAMPLE.com", "https://example.com/"],
    ["https://example.com:443/a b", "https://example.com/a%20b"],
    ["https://bücher.example/", "https://xn--bcher-kva.example/"],
  ])("%s is stored as %s", (text, stored) => {
    expect(checkNewUrl(text, strict).url?.href).toBe(stored);
  });

  test("that was stored before the rules of new URLs is still sent to", () => {
    expect(checkUrl(" HTTPS:example.com", strict).url?.href).toBe("https://example.com/");
    expect(checkUrl("http://example.com/", strict).fault).toMatch(/https/);
  });

  test("can have http and a private address only if the settings allow it", () => {
    expect(checkNewUrl("http://127.0.0.1:8000/", open).fault).toBeUndefined();
    expect(checkNewUrl("http://localhost:8000/", open).fault).toBeUndefined();
    expect(checkNewUrl("http://127.0.0.1/", { ...strict, allowHttp: true }).fault).toMatch(
      /public address/,
    );
    expect(checkNewUrl("http://127.0.0.1/", { ...strict, allowPrivate: true }).fault).toMatch(
      /https/,
    );
    expect(checkNewUrl("http://user@127.0.0.1/", open).fault).toMatch(/credentials/);
  });
});

describe("an address", () => {
  test.each([
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "100::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2001::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "localhost",
    "",
  ])("%s is not public", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(["1.1.1.1", "172.32.0.1", "::ffff:8.8.8.8", "2606:4700::1111"])(
    "%s is public",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

/** Looks a name up as a connection does. */
function lookUp(resolve: Resolve, all: boolean): Promise<unknown> {
  return new Promise((resolved, reject) => {
    checkedLookup(strict, resolve)("name.example", { all }, (error, address, family) => {
      if (error) reject(error);
      else resolved(all ? address : { address, family });
    });
  });
}

describe("the lookup of a connection", () => {
  const publicOne = { address: "1.1.1.1", family: 4 };

  test("returns the addresses that it has checked", async () => {
    const resolve = async () => [publicOne];
    expect(await lookUp(resolve, true)).toEqual([publicOne]);
    expect(await lookUp(resolve, false)).toEqual(publicOne);
  });

  test("rejects a name that resolves to another address the second time", async () => {
    const answers = [publicOne, { address: "169.254.169.254", family: 4 }];
    const resolve = async () => answers.splice(0, 1);
    expect(await lookUp(resolve, true)).toEqual([publicOne]);
    await expect(lookUp(resolve, true)).rejects.toThrow(ForbiddenAddressError);
  });

  test("rejects a name of which one address is not public, and one without an address", async () => {
    const mixed = async () => [publicOne, { address: "::1", family: 6 }];
    await expect(lookUp(mixed, true)).rejects.toThrow(ForbiddenAddressError);
    await expect(lookUp(async () => [], false)).rejects.toThrow("has no address");
    await expect(lookUp(() => Promise.reject(new Error("ENOTFOUND")), true)).rejects.toThrow();
  });
});

/** Sends a webhook to a URL, with a name that resolves to 127.0.0.1. */
function send(url: string, rules: typeof open, signal = AbortSignal.timeout(10_000)) {
  const lookup = checkedLookup(rules, async () => [{ address: "127.0.0.1", family: 4 }]);
  return sendWebhook({
    url: new URL(url),
    headers: { "webhook-id": "1" },
    body: '{"a":"é"}',
    lookup,
    signal,
  });
}

describe("sending", () => {
  test("opens no connection to a name with a loopback address, unless the settings allow it", async () => {
    const receiver = await startReceiver();
    try {
      const url = receiver.url.replace("127.0.0.1", "name.example");
      const rejected = await send(url, { ...strict, allowHttp: true });
      expect(rejected).toMatchObject({
        status: null,
        error: "The host name name.example has an address that is not public.",
      });
      expect(receiver.received).toEqual([]);
      expect(await send(url, open)).toMatchObject({ status: 204, error: null });
      expect(receiver.received).toMatchObject([
        { body: '{"a":"é"}', headers: { "webhook-id": "1", "content-type": "application/json" } },
      ]);
    } finally {
      await receiver.close();
    }
  });

  test("does not follow redirects, and honours Retry-After", async () => {
    const [receiver, target] = [await startReceiver(), await startReceiver()];
    try {
      receiver.respond((_received, res) => {
        res.writeHead(307, { location: target.url, "retry-after": "7" }).end();
        return undefined;
      });
      expect(await send(receiver.url, open)).toMatchObject({
        status: 307,
        error: "The endpoint answered 307.",
        retryAfterMs: 7_000,
      });
      expect(target.received).toEqual([]);
    } finally {
      await receiver.close();
      await target.close();
    }
  });

  test("ends at an endless body, a closed connection and the deadline", async () => {
    const receiver = await startReceiver();
    try {
      receiver.respond((_received, res) => {
        res.writeHead(200);
        const timer = setInterval(() => res.write("x".repeat(100_000)), 1);
        res.on("close", () => {
          clearInterval(timer);
        });
        return undefined;
      });
      expect(await send(receiver.url, open)).toMatchObject({ status: 200, error: null });
      receiver.respond((_received, res) => {
        res.destroy();
        return undefined;
      });
      expect(await send(receiver.url, open)).toMatchObject({
        status: null,
        error: "The connection was closed before the endpoint answered (ECONNRESET).",
      });
      receiver.respond(() => undefined);
      expect(await send(receiver.url, open, AbortSignal.timeout(50))).toMatchObject({
        status: null,
        error: "The endpoint did not answer in time.",
      });
    } finally {
      await receiver.close();
    }
    expect(await send(receiver.url, open)).toMatchObject({
      status: null,
      error: "The connection was refused (ECONNREFUSED).",
    });
  });
});

describe("the pause after a failed attempt", () => {
  test("grows up to an hour, with up to a fifth of jitter", () => {
    const attempts = [1, 2, 3, 6, 7, 8, 100];
    const shortest = attempts.map((attempt) => retryPauseMs(attempt, 0));
    expect(shortest).toEqual([2_000, 6_000, 18_000, 486_000, 1_458_000, 3_600_000, 3_600_000]);
    expect(retryPauseMs(1, 1)).toBe(2_400);
    expect(retryPauseMs(1)).toBeGreaterThanOrEqual(2_000);
  });

  test("is read from Retry-After: seconds or a date, at most a day", () => {
    const now = Date.parse("2026-11-28T10:00:00Z");
    expect(retryAfterMs(undefined)).toBeUndefined();
    expect(retryAfterMs("soon")).toBeUndefined();
    expect(retryAfterMs(" 120 ")).toBe(120_000);
    expect(retryAfterMs("99999999999999999999")).toBe(86_400_000);
    for (const text of ["-5", "1.5", "in 2099", "5 minutes", "2099-01-01"]) {
      expect(retryAfterMs(text)).toBeUndefined();
    }
    expect(retryAfterMs("999999999")).toBe(86_400_000);
    expect(retryAfterMs("Sat, 28 Nov 2026 10:00:30 GMT", now)).toBe(30_000);
    expect(retryAfterMs("Sat, 28 Nov 2026 09:00:00 GMT", now)).toBe(0);
    expect(retryAfterMs("Saturday, 28-Nov-26 10:00:30 GMT", now)).toBe(30_000);
    expect(retryAfterMs("Sat Nov 28 10:00:30 2026", now)).toBe(30_000);
    const december = Date.parse("2026-12-01T10:00:00Z");
    expect(retryAfterMs("Tue Dec  1 10:00:30 2026", december)).toBe(30_000);
  });
});
