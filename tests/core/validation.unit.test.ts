import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Errors, ServiceBroker, type ServiceSchema } from "moleculer";
import { action, defineContract } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import type { FieldFault, ClientError } from "../../core/errors.ts";
import { inputMiddleware } from "../../middlewares/input.middleware.ts";
import {
  exactText,
  id,
  ids,
  instant,
  int,
  maxInt,
  optional,
  pageRules,
  clientErrorOf,
  text,
  type Page,
} from "../../core/validation.ts";
import { timesAsLong } from "../support/times-as-long.ts";

const anyAccess = { access: "everyone" } as const;

/** A service with one action for each rule, which gives back the parameters that reached it. */
const rules = defineContract({
  name: "rules",
  graphql: { type: "" },
  actions: {
    id: action<{ value: string }, unknown>({ params: { value: id() }, ...anyAccess }),
    ids: action<{ value: string[] }, unknown>({ params: { value: ids(2) }, ...anyAccess }),
    text: action<{ value: string }, unknown>({ params: { value: text(2, 4) }, ...anyAccess }),
    optionalText: action<{ value: string }, unknown>({
      params: { value: text(0, 4) },
      ...anyAccess,
    }),
    exact: action<{ value: string }, unknown>({
      params: { value: exactText(2, 4) },
      ...anyAccess,
    }),
    instant: action<{ value: string }, unknown>({ params: { value: instant() }, ...anyAccess }),
    int: action<{ value: number }, unknown>({ params: { value: int(1) }, ...anyAccess }),
    optional: action<{ value?: number }, unknown>({
      params: { value: optional(int(1)) },
      ...anyAccess,
    }),
    page: action<Page, unknown>({ params: pageRules, ...anyAccess }),
    nothing: action<object, unknown>({ params: {}, ...anyAccess }),
  },
  events: {},
});

const echo = (ctx: { params: unknown }) => Promise.resolve(ctx.params);

const broker = new ServiceBroker({
  logger: false,
  created(own) {
    own.middlewares.add(inputMiddleware());
  },
});
broker.createService(
  defineService(rules, {
    actions: {
      id: echo,
      ids: echo,
      text: echo,
      int: echo,
      instant: echo,
      optionalText: echo,
      exact: echo,
      optional: echo,
      page: echo,
      nothing: echo,
    },
  }),
);
beforeAll(() => broker.start());
afterAll(() => broker.stop());

/** The parameters as the handler gets them, or the refusal. */
async function send(rule: keyof (typeof rules)["actions"], params: object): Promise<unknown> {
  return broker.call(`rules.${rule}`, params).catch((error: unknown) => error);
}

const refused = { type: "BAD_USER_INPUT" };
const uuid = "01936b2e-7c3f-7d2a-9d0b-5a1c2e3f4a5b";

describe("an id", () => {
  test("is a UUID, and reaches the handler in small letters", async () => {
    expect(await send("id", { value: uuid })).toEqual({ value: uuid });
    expect(await send("id", { value: uuid.toUpperCase() })).toEqual({ value: uuid });
  });

  test.each([
    "",
    "1",
    uuid.replaceAll("-", ""),
    `{${uuid}}`,
    `${uuid} `,
    `${uuid}\n`,
    `x${uuid}`,
    uuid.replace("b", "g"),
    1,
    true,
    [uuid],
    { id: uuid },
    null,
    undefined,
  ])("is not %j", async (value) => {
    expect(await send("id", { value })).toMatchObject(refused);
  });

  test("stands in a list of so many at most", async () => {
    expect(await send("ids", { value: [] })).toEqual({ value: [] });
    expect(await send("ids", { value: [uuid, uuid.toUpperCase()] })).toEqual({
      value: [uuid, uuid],
    });
    expect(await send("ids", { value: [uuid, uuid, uuid] })).toMatchObject(refused);
    expect(await send("ids", { value: [uuid, "x"] })).toMatchObject({
      ...refused,
      data: { fields: [{ field: "value[1]", message: "'value[1]' must be an id (a UUID)." }] },
    });
  });
});

describe("a text", () => {
  test.each(["ab", "abcd", "é\t\r\n", "\u{1F600}", "\u{1F600}\u{1F600}", "a\u0308\u200D\uFFFF"])(
    "is %j",
    async (value) => {
      expect(await send("text", { value })).toEqual({ value: value.normalize("NFC") });
    },
  );

  test.each([
    ["letters with marks", "o\u0308l", "\u00f6l"],
    // Six characters as they are sent.
    ["what is short enough when it is normalized", "e\u0301".repeat(3), "\u00e9".repeat(3)],
    ["what an editor has put a byte order mark before", "\uFEFFab", "ab"],
    ["joiners, which some scripts and signs need", "\u0915\u200D\u0937", "\u0915\u200D\u0937"],
  ])("reaches the handler in one form: %s", async (_what, value, form) => {
    expect(await send("text", { value })).toEqual({ value: form });
  });

  test.each([
    "  ",
    "\t\n",
    "\u00a0\u00a0",
    "\u3000\u3000",
    "\u200b\u200b",
    "\u00ad\u00ad",
    "\u2060\u2060",
    "\u200e\u200f",
    "\u200d\ufe0f",
    "\ufeff\ufeff\u200b",
    "\u115f\u3164",
    "\u2800\u2800",
    "\u0301\u0302",
    "\u{e0041}",
    "\u180e\u180e",
    "\u{1d173}",
  ])("is not %j, of which nothing is seen", async (value) => {
    expect(await send("text", { value })).toMatchObject(refused);
    // Where nothing may be given, nothing may be seen.
    expect(await send("optionalText", { value })).not.toMatchObject(refused);
  });

  test.each(["a\u202eb", "\u202dab", "a\u202ab", "a\u2066b", "ab\u2069"])(
    "is not %j, which turns what stands around it",
    async (value) => {
      for (const rule of ["text", "optionalText"] as const) {
        expect(await send(rule, { value })).toMatchObject({
          ...refused,
          data: { fields: [{ field: "value", message: expect.stringContaining("direction") }] },
        });
      }
    },
  );

  test("of which each character counts stays as it is", async () => {
    for (const value of ["e\u0301", "\uFEFFab", "\u200b\u200b"]) {
      expect(await send("exact", { value })).toEqual({ value });
    }
  });

  test.each(["", "a", "abcde", 12, null, undefined, ["ab"], { length: 3 }])(
    "of 2 to 4 characters is not %j",
    async (value) => {
      expect(await send("text", { value })).toMatchObject(refused);
    },
  );

  test.each([
    ["NUL, which PostgreSQL cannot store", "a\u0000b"],
    ["control characters, which nobody can read", "a\u001Bb"],
    ["control characters beyond ASCII", "a\u0085b"],
    ["a lone high surrogate, which is no UTF-8", "a\uD800b"],
    ["a lone high surrogate at its end", "ab\uD83D"],
    ["a lone low surrogate", "\uDC00ab"],
    ["surrogates the wrong way round", "\uDE00\uD83D"],
  ])("cannot hold %s", async (_, value) => {
    expect(await send("text", { value })).toMatchObject({
      ...refused,
      message: "'value' contains characters that cannot be stored.",
    });
  });

  test.each(["a".repeat(1_000_000), "\u{1F600}".repeat(500_000)].map((value) => ({ value })))(
    "of a megabyte is refused in no more than ten times what its characters take to be counted (%#)",
    async ({ value }) => {
      const refuse = async () => {
        expect(await send("text", { value })).toMatchObject(refused);
      };
      const count = () => Array.from(value).length;
      expect(await timesAsLong(refuse, count)).toBeLessThan(10);
    },
  );
});

describe("a moment", () => {
  test.each([
    "2026-01-31T12:00:00Z",
    "2024-02-29T00:00Z",
    "2000-02-29T23:59:59.999999999+23:59",
    "0001-01-01T00:00Z",
    "0004-02-29T00:00Z",
    "9999-12-31T23:59:59-14:00",
  ])("is %j", async (value) => {
    expect(await send("instant", { value })).toEqual({ value });
  });

  test.each([
    "2026-02-30T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00Z",
    "2026-04-31T00:00Z",
    "2026-00-10T00:00Z",
    "2026-13-10T00:00Z",
    "2026-01-00T00:00Z",
    "2026-01-32T00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T23:60:00Z",
    "2026-01-01T23:59:60Z",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+99:00",
    "2026-01-01T00:00:00+00:60",
    "0000-01-01T00:00Z",
    "10000-01-01T00:00Z",
    "-0001-01-01T00:00Z",
    "+002026-01-01T00:00Z",
    "2026-01-01",
    "2026-1-1T00:00Z",
    "2026-01-01 00:00Z",
    "1767225600",
    "",
    "now",
    "2026-01-01T00:00Z\n",
    "\u0662026-01-01T00:00Z",
  ])("is not %j", async (value) => {
    expect(await send("instant", { value })).toMatchObject(refused);
  });
});

describe("a whole number", () => {
  test.each([1, 2, maxInt])("from 1 on is %j", async (value) => {
    expect(await send("int", { value })).toEqual({ value });
  });

  test.each([
    0,
    -1,
    maxInt + 1,
    2 ** 53,
    1e300,
    1.5,
    1.0000001,
    NaN,
    Infinity,
    -Infinity,
    "1",
    "",
    true,
    null,
    undefined,
    [1],
    1n,
  ])("that PostgreSQL's integer takes is not %p", async (value) => {
    expect(await send("int", { value })).toMatchObject(refused);
  });
});

describe("a parameter", () => {
  test("that is optional may be missing, and obeys its rule when it is there", async () => {
    expect(await send("optional", {})).toEqual({});
    expect(await send("optional", { value: 1 })).toEqual({ value: 1 });
    expect(await send("optional", { value: 0 })).toMatchObject(refused);
  });

  test("that nobody declared is refused, not ignored", async () => {
    expect(await send("optional", { valeu: 1 })).toMatchObject(refused);
    expect(await send("nothing", { value: 1 })).toMatchObject(refused);
    expect(await send("nothing", {})).toEqual({});
  });
});

test("a page has 1 to 1000 rows and begins anywhere", async () => {
  for (const page of [{}, { limit: 1 }, { limit: 1000, offset: 0 }, { offset: maxInt }]) {
    expect(await send("page", page)).toEqual(page);
  }
  for (const page of [{ limit: 0 }, { limit: 1001 }, { offset: -1 }, { offset: 0.5 }]) {
    expect(await send("page", page)).toMatchObject(refused);
  }
});

describe("the refusal", () => {
  const secret = "hunter2";
  const faultsOf = (refusal: unknown) => (refusal as ClientError).data as { fields: FieldFault[] };

  test("names each field that is wrong, and says what is wrong with it", async () => {
    expect(faultsOf(await send("page", { limit: 0, offset: "x" }))).toEqual({
      fields: [
        { field: "limit", message: expect.stringContaining("'limit'") },
        { field: "offset", message: expect.stringContaining("'offset'") },
      ],
    });
  });

  test("never repeats a value: it may be a secret", async () => {
    for (const rule of ["id", "ids", "text", "int", "page"] as const) {
      for (const value of [secret, `${secret}\u0000`, [secret], { [secret]: secret }]) {
        const params = { value, limit: value, offset: value };
        const refusal = await send(rule, params);
        expect(refusal).toMatchObject(refused);
        const told = [(refusal as ClientError).message, faultsOf(refusal)];
        expect(JSON.stringify(told)).not.toContain(secret);
      }
    }
  });

  test("of a thousand faults tells twenty", () => {
    const findings = Array.from({ length: 1000 }, (_, n) => ({
      type: "string",
      field: `names[${n}]`,
      message: "must be a text",
      actual: secret,
    }));
    const { fields } = faultsOf(
      clientErrorOf(new Errors.ValidationError("invalid", "", findings as never)),
    );
    expect(fields).toHaveLength(20);
    expect(fields[19]).toEqual({ field: "names[19]", message: "must be a text" });
  });

  test("still says something when the validator says nothing", () => {
    const refusal = clientErrorOf(new Errors.ValidationError("invalid"));
    expect(refusal).toMatchObject({ ...refused, message: "The input is not valid." });
  });

  test("leaves all other errors as they are", async () => {
    const failure = new Error("not a matter of input");
    const failing: ServiceSchema = {
      name: "failing",
      actions: { fail: () => Promise.reject(failure) },
    };
    const service = broker.createService(failing);
    await broker.waitForServices("failing");
    await expect(broker.call("failing.fail")).rejects.toBe(failure);
    await broker.destroyService(service);
  });
});

test("null for an optional parameter never reaches the handler", async () => {
  expect(await send("optional", { value: null })).toEqual({});
  expect(await send("page", { limit: null, offset: 5 })).toEqual({ offset: 5 });
});
