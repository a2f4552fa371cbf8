import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker, type Context, type ServiceSchema } from "moleculer";
import { accessMiddleware } from "../../middlewares/access.middleware.ts";
import {
  actorOf,
  assertAccess,
  mayActForOthers,
  type Access,
  type Actor,
  type Meta,
  type Viewer,
} from "../../core/access.ts";

const anonymous: Viewer = { kind: "anonymous" };
const customer: Viewer = { kind: "user", id: "c", type: 0 };
const admin: Viewer = { kind: "user", id: "a", type: 1 };
const operating: Viewer = { ...admin, mayOperate: true };
const operator: Actor = { kind: "operator" };

/** Returns "yes" if the rule lets the actor in, otherwise the code of the error. */
function answer(access: Access | undefined, actor: Actor, publicReads = false): string {
  try {
    assertAccess(access, actor, publicReads);
    return "yes";
  } catch (error) {
    return (error as { type: string }).type;
  }
}

describe("an access rule", () => {
  test.each<[Access | undefined, string, string, string, string]>([
    // rule                         anonymous     customer     admin     admin with the right
    ["everyone", "yes", "yes", "yes", "yes"],
    ["signed-in", "UNAUTHENTICATED", "yes", "yes", "yes"],
    ["admin", "UNAUTHENTICATED", "FORBIDDEN", "yes", "yes"],
    ["operations", "UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "yes"],
    ["nobody", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    ["a rule that was misspelt" as never, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    [undefined, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    [{ publicReads: "signed-in" }, "UNAUTHENTICATED", "yes", "yes", "yes"],
    [{ publicReads: "admin" }, "UNAUTHENTICATED", "FORBIDDEN", "yes", "yes"],
  ])("%j: anonymous %s, customer %s, admin %s, admin with the right %s", (access, ...expected) => {
    const viewers = [anonymous, customer, admin, operating];
    expect(viewers.map((viewer) => answer(access, viewer))).toEqual(expected);
  });

  test("operations does not let a customer in whose token has the right", () => {
    expect(answer("operations", { ...operating, type: 0 })).toBe("FORBIDDEN");
  });

  test.each<Access | undefined>([
    "everyone",
    "signed-in",
    "admin",
    "operations",
    "nobody",
    undefined,
    { publicReads: "admin" },
  ])("%j lets the operator in", (access) => {
    expect(answer(access, operator)).toBe("yes");
  });

  test("of the form { publicReads } lets everyone in under PUBLIC_READS", () => {
    for (const access of [{ publicReads: "signed-in" }, { publicReads: "admin" }] as const) {
      expect(answer(access, anonymous, true)).toBe("yes");
    }
  });

  test.each<[Access | undefined, string]>([
    ["signed-in", "UNAUTHENTICATED"],
    ["admin", "UNAUTHENTICATED"],
    ["nobody", "FORBIDDEN"],
    [undefined, "FORBIDDEN"],
  ])("%j is not affected by PUBLIC_READS", (access, expected) => {
    expect(answer(access, anonymous, true)).toBe(expected);
  });
});

describe("a rejected token", () => {
  test("does not block an action that needs no token", () => {
    expect(answer("everyone", { kind: "anonymous", rejected: "expired" })).toBe("yes");
    expect(answer("everyone", { kind: "anonymous", unverifiable: true })).toBe("yes");
  });

  test("is reported with the reason by an action that requires authentication", () => {
    const viewer: Viewer = { kind: "anonymous", rejected: "Your token has expired." };
    expect(() => {
      assertAccess("signed-in", viewer, false);
    }).toThrow("Your token has expired.");
  });

  test("is reported as SERVICE_UNAVAILABLE while it cannot be verified", () => {
    expect(answer("signed-in", { kind: "anonymous", unverifiable: true })).toBe(
      "SERVICE_UNAVAILABLE",
    );
  });
});

describe("the actor of a call", () => {
  const meta = { viewer: admin };

  test("is the viewer if the gateway calls", () => {
    expect(actorOf({ caller: "api", meta })).toEqual(admin);
  });

  test("is anonymous if the gateway names no viewer", () => {
    expect(actorOf({ caller: "api", meta: {} })).toEqual(anonymous);
  });

  test("is the operator if a service or the REPL calls", () => {
    expect(actorOf({ caller: "orders", meta })).toEqual(operator);
    expect(actorOf({ caller: null, meta: {} })).toEqual(operator);
  });

  test("may act for other users only as an admin or as the operator", () => {
    expect([anonymous, customer, admin, operator].map(mayActForOthers)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});

describe("the access middleware", () => {
  let entered: string[] = [];
  const enter = (ctx: Context) => {
    entered.push(ctx.action?.name ?? "");
    return Promise.resolve("done");
  };
  const vault = {
    name: "vault",
    metadata: { hasContract: true },
    actions: {
      open: { access: "admin", gateway: true, handler: enter },
      field: { access: "everyone", graphql: { query: "field: Int" }, handler: enter },
      inner: { access: "everyone", handler: enter },
      forgotten: { gateway: true, handler: enter },
    },
  } as unknown as ServiceSchema;
  /** A service that forwards calls to other actions under its own name. */
  const caller = (name: string): ServiceSchema => ({
    name,
    actions: { forward: (ctx: Context<{ action: string }>) => ctx.call(ctx.params.action) },
  });
  const broker = new ServiceBroker({ logger: false, middlewares: [accessMiddleware(false)] });
  for (const schema of [vault, caller("orders"), caller("api")]) broker.createService(schema);

  beforeAll(() => broker.start());
  afterAll(() => broker.stop());

  function callThrough(service: string, action: string, viewer?: Viewer): Promise<unknown> {
    entered = [];
    const meta: Meta = viewer ? { viewer } : {};
    return broker.call(`${service}.forward`, { action }, { meta });
  }

  test("rejects a call of the gateway before the handler runs", async () => {
    await expect(callThrough("api", "vault.open", customer)).rejects.toMatchObject({
      type: "FORBIDDEN",
    });
    await expect(callThrough("api", "vault.open")).rejects.toMatchObject({
      type: "UNAUTHENTICATED",
    });
    expect(entered).toEqual([]);
    await expect(callThrough("api", "vault.open", admin)).resolves.toBe("done");
  });

  test("rejects every gateway call of an action without an access rule", async () => {
    await expect(callThrough("api", "vault.forgotten", admin)).rejects.toMatchObject({
      type: "FORBIDDEN",
    });
    expect(entered).toEqual([]);
  });

  test("rejects every gateway call of an action that its contract does not expose", async () => {
    await expect(callThrough("api", "vault.field")).resolves.toBe("done");
    for (const viewer of [undefined, customer, admin]) {
      const error = { type: "FORBIDDEN" };
      await expect(callThrough("api", "vault.inner", viewer)).rejects.toMatchObject(error);
      await expect(callThrough("api", "$node.actions", viewer)).rejects.toMatchObject(error);
    }
    expect(entered).toEqual([]);
  });

  test("lets services and the REPL call every action, whatever viewer they pass on", async () => {
    await expect(callThrough("orders", "vault.open", customer)).resolves.toBe("done");
    await expect(callThrough("orders", "vault.inner", customer)).resolves.toBe("done");
    await expect(broker.call("vault.forgotten")).resolves.toBe("done");
  });
});
