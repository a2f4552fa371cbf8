import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Errors, ServiceBroker, type ServiceSchema } from "moleculer";
import { ParameterValidator } from "../../broker/parameter-validator.ts";
import { action, defineContract } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import type { FieldViolation, ClientError } from "../../core/errors.ts";
import { lowestIdAt, newId } from "../../core/ids/ids.ts";
import { inputMiddleware } from "../../middlewares/input.middleware.ts";
import {
  exactText,
  id,
  ids,
  instant,
  int,
  maxInt,
  newIdRule,
  optional,
  pageRules,
  clientErrorOf,
  text,
  type Page,
} from "../../core/validation.ts";
import { timesAsLong } from "../support/timing/times-as-long.ts";

const anyAccess = { access: "everyone" } as const;

/** A service with one action for each rule. Each action returns its parameters. */
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
    newId: action<{ value: string }, unknown>({ params: { value: newIdRule() }, ...anyAccess }),
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
  validator: new ParameterValidator(),
  created(created) {
    created.middlewares.add(inputMiddleware());
  },
});
broker.createService(
  defineService(rules, {
    actions: {
      id: echo,
      ids: echo,
      text: echo,
      int: echo,
      newId: echo,
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

/** Returns the parameters as the handler gets them, or the error. */
async function send(rule: keyof (typeof rules)["actions"], params: object): Promise<unknown> {
  return broker.call(`rules.${rule}`, params).catch((error: unknown) => error);
}

const badUserInput = { type: "BAD_USER_INPUT" };
const uuid = "01936b2e-7c3f-7d2a-9d0b-5a1c2e3f4a5b";

describe("the rule id()", () => {
  test("accepts a UUID, and passes it on in lower case", async () => {
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
  ])("rejects %j", async (value) => {
    expect(await send("id", { value })).toMatchObject(badUserInput);
  });

  test("limits the length of a list as ids()", async () => {
    expect(await send("ids", { value: [] })).toEqual({ value: [] });
    expect(await send("ids", { value: [uuid, uuid.toUpperCase()] })).toEqual({
      value: [uuid, uuid],
    });
    expect(await send("ids", { value: [uuid, uuid, uuid] })).toMatchObject(badUserInput);
    // The items of a list that is too long are not checked: there may be thousands.
    expect(await send("ids", { value: ["x", "x", "x"] })).toMatchObject({
      ...badUserInput,
      data: { fields: [{ field: "value", message: "'value' must have at most 2 items." }] },
    });
    expect(await send("ids", { value: [uuid, "x"] })).toMatchObject({
      ...badUserInput,
      data: { fields: [{ field: "value[1]", message: "'value[1]' must be an id (a UUID)." }] },
    });
  });
});

test("parameters that are a list are rejected without a name", async () => {
  expect(await send("page", [])).toMatchObject({
    ...badUserInput,
    data: { fields: [{ field: "", message: "The parameters must be an object." }] },
  });
});

describe("the rule text()", () => {
  test.each(["ab", "abcd", "é\t\r\n", "\u{1F600}", "\u{1F600}\u{1F600}", "a\u0308\u200D\uFFFF"])(
    "accepts %j",
    async (value) => {
      expect(await send("text", { value })).toEqual({ value: value.normalize("NFC") });
    },
  );

  test.each([
    ["combining marks", "o\u0308l", "\u00f6l"],
    ["six characters that normalize to three", "e\u0301".repeat(3), "\u00e9".repeat(3)],
    ["a leading byte order mark", "\uFEFFab", "ab"],
    ["joiners, which some scripts need", "\u0915\u200D\u0937", "\u0915\u200D\u0937"],
  ])("passes a normalized text on: %s", async (_title, value, normalized) => {
    expect(await send("text", { value })).toEqual({ value: normalized });
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
  ])("rejects the invisible %j unless the text may be empty", async (value) => {
    expect(await send("text", { value })).toMatchObject(badUserInput);
    expect(await send("optionalText", { value })).not.toMatchObject(badUserInput);
  });

  test.each(["a\u202eb", "\u202dab", "a\u202ab", "a\u2066b", "ab\u2069"])(
    "rejects %j, which overrides the text direction",
    async (value) => {
      for (const rule of ["text", "optionalText"] as const) {
        expect(await send(rule, { value })).toMatchObject({
          ...badUserInput,
          data: { fields: [{ field: "value", message: expect.stringContaining("direction") }] },
        });
      }
    },
  );

  test("passes the text on unchanged as exactText()", async () => {
    for (const value of ["e\u0301", "\uFEFFab", "\u200b\u200b"]) {
      expect(await send("exact", { value })).toEqual({ value });
    }
  });

  test.each(["", "a", "abcde", 12, null, undefined, ["ab"], { length: 3 }])(
    "rejects %j for 2 to 4 characters",
    async (value) => {
      expect(await send("text", { value })).toMatchObject(badUserInput);
    },
  );

  test.each([
    ["NUL, which PostgreSQL cannot store", "a\u0000b"],
    ["an ASCII control character", "a\u001Bb"],
    ["a control character outside ASCII", "a\u0085b"],
    ["a lone high surrogate, which UTF-8 cannot encode", "a\uD800b"],
    ["a lone high surrogate at the end", "ab\uD83D"],
    ["a lone low surrogate", "\uDC00ab"],
    ["surrogates in the wrong order", "\uDE00\uD83D"],
  ])("rejects %s", async (_, value) => {
    expect(await send("text", { value })).toMatchObject({
      ...badUserInput,
      message: "'value' contains characters that cannot be stored.",
    });
  });

  test.each(["a".repeat(1_000_000), "\u{1F600}".repeat(500_000)].map((value) => ({ value })))(
    "rejects a megabyte in at most ten times the time that counting its characters takes (%#)",
    async ({ value }) => {
      const reject = async () => {
        expect(await send("text", { value })).toMatchObject(badUserInput);
      };
      const count = () => Array.from(value).length;
      expect(await timesAsLong(reject, count)).toBeLessThan(10);
    },
  );
});

describe("the rule newIdRule()", () => {
  const dayMs = 86_400_000;
  const idAt = (ms: number) => lowestIdAt(ms).replace(/0000-0000-0{12}$/, "7000-8000-000000000000");

  test("accepts ids of the past and of a clock that is some hours ahead, in lower case", async () => {
    for (const value of [newId(), idAt(0), idAt(Date.now() + dayMs / 2)]) {
      expect(await send("newId", { value: value.toUpperCase() })).toEqual({ value });
    }
  });

  test.each([
    ["of the future", idAt(Date.now() + 2 * dayMs), "'value' has a time in the future."],
    ["of all ones", "ffffffff-ffff-7fff-bfff-ffffffffffff", "'value' has a time in the future."],
    [
      "of version 4",
      "01900000-0000-4000-8000-000000000000",
      "'value' must be a UUID of version 7.",
    ],
  ])("rejects an id %s", async (_title, value, message) => {
    expect(await send("newId", { value })).toMatchObject({ type: "BAD_USER_INPUT", message });
  });
});

describe("the rule instant()", () => {
  test.each([
    "2026-01-31T12:00:00Z",
    "2024-02-29T00:00Z",
    "2000-02-29T23:59:59.999999999+23:59",
    "0001-01-01T00:00Z",
    "0004-02-29T00:00Z",
    "9999-12-31T23:59:59-14:00",
  ])("accepts %j", async (value) => {
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
  ])("rejects %j", async (value) => {
    expect(await send("instant", { value })).toMatchObject(badUserInput);
  });
});

describe("the rule int()", () => {
  test.each([1, 2, maxInt])("with the minimum 1 accepts %j", async (value) => {
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
  ])("rejects %p, which is below the minimum or no PostgreSQL integer", async (value) => {
    expect(await send("int", { value })).toMatchObject(badUserInput);
  });
});

describe("a parameter", () => {
  test("with optional() may be missing, and otherwise must satisfy its rule", async () => {
    expect(await send("optional", {})).toEqual({});
    expect(await send("optional", { value: 1 })).toEqual({ value: 1 });
    expect(await send("optional", { value: 0 })).toMatchObject(badUserInput);
  });

  test("that the action does not declare is rejected", async () => {
    expect(await send("optional", { valeu: 1 })).toMatchObject(badUserInput);
    expect(await send("nothing", { value: 1 })).toMatchObject(badUserInput);
    expect(await send("nothing", {})).toEqual({});
  });
});

test("the rules of a page accept a limit from 1 to 1000 and any offset", async () => {
  for (const page of [{}, { limit: 1 }, { limit: 1000, offset: 0 }, { offset: maxInt }]) {
    expect(await send("page", page)).toEqual(page);
  }
  for (const page of [{ limit: 0 }, { limit: 1001 }, { offset: -1 }, { offset: 0.5 }]) {
    expect(await send("page", page)).toMatchObject(badUserInput);
  }
});

describe("the error BAD_USER_INPUT", () => {
  const secret = "hunter2";
  const faultsOf = (error: unknown) => (error as ClientError).data as { fields: FieldViolation[] };

  test("names each invalid field with its fault", async () => {
    expect(faultsOf(await send("page", { limit: 0, offset: "x" }))).toEqual({
      fields: [
        { field: "limit", message: expect.stringContaining("'limit'") },
        { field: "offset", message: expect.stringContaining("'offset'") },
      ],
    });
  });

  test("never contains a value, since values may be secrets", async () => {
    for (const rule of ["id", "ids", "text", "int", "page"] as const) {
      for (const value of [secret, `${secret}\u0000`, [secret], { [secret]: secret }]) {
        const params = { value, limit: value, offset: value };
        const error = await send(rule, params);
        expect(error).toMatchObject(badUserInput);
        const visible = [(error as ClientError).message, faultsOf(error)];
        expect(JSON.stringify(visible)).not.toContain(secret);
      }
    }
  });

  test("names at most 20 of a thousand faults", () => {
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

  test("has a message even if the validator reports no fault", () => {
    const error = clientErrorOf(new Errors.ValidationError("invalid"));
    expect(error).toMatchObject({ ...badUserInput, message: "The input is not valid." });
  });

  test("does not replace errors of the handler", async () => {
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

test("a null for an optional parameter is removed before the handler runs", async () => {
  expect(await send("optional", { value: null })).toEqual({});
  expect(await send("page", { limit: null, offset: 5 })).toEqual({ offset: 5 });
});

test.each([
  ["a parameter", { value: { type: "strng" } }],
  ["a parameter in short form", { value: "strng|min:3" }],
  ["the items of a list", { value: { type: "array", items: "strng" } }],
  [
    "an object in a list",
    { value: { type: "array", items: { type: "object", props: { a: "strng" } } } },
  ],
])("an unknown type of %s is rejected when its service is created", (_of, params) => {
  const broken = new ServiceBroker({ logger: false, validator: new ParameterValidator() });
  const schema: ServiceSchema = { name: "broken", actions: { run: { params, handler: () => 1 } } };
  expect(() => broken.createService(schema)).toThrow("Invalid 'strng' type in validator schema.");
});
