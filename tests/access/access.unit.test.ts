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
import { exposedActions } from "../../core/contract.ts";
import { ordersContract } from "../../services/orders/orders.contract.ts";
import { productsContract } from "../../services/products/products.contract.ts";
import { usersContract } from "../../services/users/users.contract.ts";

const anonymous: Viewer = { kind: "anonymous" };
const customer: Viewer = { kind: "user", id: "c", type: 0 };
const admin: Viewer = { kind: "user", id: "a", type: 1 };
const operator: Actor = { kind: "operator" };

/** What the rule answers: "yes", or the code of the error. */
function answer(access: Access | undefined, actor: Actor, publicReads = false): string {
  try {
    assertAccess(access, actor, publicReads);
    return "yes";
  } catch (error) {
    return (error as { type: string }).type;
  }
}

const no = { anonymous: "UNAUTHENTICATED", signedIn: "FORBIDDEN" };

describe("an action's rule", () => {
  test.each<[Access | undefined, string, string, string]>([
    // rule                         anonymous     customer     admin
    ["everyone", "yes", "yes", "yes"],
    ["signed-in", no.anonymous, "yes", "yes"],
    ["admin", no.anonymous, no.signedIn, "yes"],
    ["nobody", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    ["a rule that was misspelt" as never, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    [undefined, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    [{ publicReads: "signed-in" }, no.anonymous, "yes", "yes"],
    [{ publicReads: "admin" }, no.anonymous, no.signedIn, "yes"],
  ])("%j answers a stranger %s, a customer %s, an admin %s", (access, ...expected) => {
    expect([anonymous, customer, admin].map((viewer) => answer(access, viewer))).toEqual(expected);
  });

  test.each<Access | undefined>([
    "everyone",
    "signed-in",
    "admin",
    "nobody",
    undefined,
    { publicReads: "admin" },
  ])("%j never holds the operator back", (access) => {
    expect(answer(access, operator)).toBe("yes");
  });

  test("for reads is lifted for everybody by PUBLIC_READS", () => {
    for (const access of [{ publicReads: "signed-in" }, { publicReads: "admin" }] as const) {
      expect(answer(access, anonymous, true)).toBe("yes");
    }
  });

  test.each<[Access | undefined, string]>([
    ["signed-in", "UNAUTHENTICATED"],
    ["admin", "UNAUTHENTICATED"],
    ["nobody", "FORBIDDEN"],
    [undefined, "FORBIDDEN"],
  ])("%j stays as it is under PUBLIC_READS", (access, expected) => {
    expect(answer(access, anonymous, true)).toBe(expected);
  });
});

describe("a token that is not taken", () => {
  test("is no reason to refuse what needs none", () => {
    expect(answer("everyone", { kind: "anonymous", rejected: "expired" })).toBe("yes");
    expect(answer("everyone", { kind: "anonymous", unverifiable: true })).toBe("yes");
  });

  test("is told the reason, where one has to be signed in", () => {
    const viewer: Viewer = { kind: "anonymous", rejected: "Your token has expired." };
    expect(() => {
      assertAccess("signed-in", viewer, false);
    }).toThrow("Your token has expired.");
  });

  test("is SERVICE_UNAVAILABLE while nobody can tell whether it is valid", () => {
    expect(answer("signed-in", { kind: "anonymous", unverifiable: true })).toBe(
      "SERVICE_UNAVAILABLE",
    );
  });
});

describe("who is behind a call", () => {
  const meta = { viewer: admin };

  test("is the viewer, when the gateway calls", () => {
    expect(actorOf({ caller: "api", meta })).toEqual(admin);
  });

  test("is a stranger, when the gateway names no viewer", () => {
    expect(actorOf({ caller: "api", meta: {} })).toEqual(anonymous);
  });

  test("is the operator, when a service calls on a viewer's behalf, or a REPL", () => {
    expect(actorOf({ caller: "orders", meta })).toEqual(operator);
    expect(actorOf({ caller: null, meta: {} })).toEqual(operator);
  });

  test("may act for others as an admin or as the operator", () => {
    expect([anonymous, customer, admin, operator].map(mayActForOthers)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});

test("outsiders reach these actions through the gateway, and no others", () => {
  expect(exposedActions([usersContract, productsContract, ordersContract])).toEqual([
    "orders.cancel",
    "orders.count",
    "orders.get",
    "orders.history",
    "orders.lines",
    "orders.list",
    "orders.ofUsers",
    "orders.page",
    "orders.place",
    "orders.productNames",
    "products.auditTrail",
    "products.count",
    "products.create",
    "products.get",
    "products.list",
    "products.page",
    "products.resolve",
    "products.updateInventory",
    "users.auditTrail",
    "users.changePassword",
    "users.count",
    "users.endedSessions",
    "users.get",
    "users.jwks",
    "users.list",
    "users.login",
    "users.logout",
    "users.logoutEverywhere",
    "users.page",
    "users.refreshToken",
    "users.register",
    "users.resolve",
    "users.setType",
  ]);
});

describe("on a broker", () => {
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
  /** Calls what it is asked to call, as the service of this name. */
  const caller = (name: string): ServiceSchema => ({
    name,
    actions: { ask: (ctx: Context<{ action: string }>) => ctx.call(ctx.params.action) },
  });
  const broker = new ServiceBroker({ logger: false, middlewares: [accessMiddleware(false)] });
  for (const schema of [vault, caller("orders"), caller("api")]) broker.createService(schema);

  beforeAll(() => broker.start());
  afterAll(() => broker.stop());

  function ask(through: string, action: string, viewer?: Viewer): Promise<unknown> {
    entered = [];
    const meta: Meta = viewer ? { viewer } : {};
    return broker.call(`${through}.ask`, { action }, { meta });
  }

  test("a call that came through the gateway is refused before its handler is entered", async () => {
    await expect(ask("api", "vault.open", customer)).rejects.toMatchObject({ type: "FORBIDDEN" });
    await expect(ask("api", "vault.open")).rejects.toMatchObject({ type: "UNAUTHENTICATED" });
    expect(entered).toEqual([]);
    await expect(ask("api", "vault.open", admin)).resolves.toBe("done");
  });

  test("an action whose rule was forgotten is nobody's", async () => {
    await expect(ask("api", "vault.forgotten", admin)).rejects.toMatchObject({ type: "FORBIDDEN" });
    expect(entered).toEqual([]);
  });

  test("an action that its contract does not expose is nobody's, whatever its rule says", async () => {
    await expect(ask("api", "vault.field")).resolves.toBe("done");
    for (const viewer of [undefined, customer, admin]) {
      const refusal = { type: "FORBIDDEN" };
      await expect(ask("api", "vault.inner", viewer)).rejects.toMatchObject(refusal);
      await expect(ask("api", "$node.actions", viewer)).rejects.toMatchObject(refusal);
    }
    expect(entered).toEqual([]);
  });

  test("services and the REPL may call anything, whatever viewer they pass on", async () => {
    await expect(ask("orders", "vault.open", customer)).resolves.toBe("done");
    await expect(ask("orders", "vault.inner", customer)).resolves.toBe("done");
    await expect(broker.call("vault.forgotten")).resolves.toBe("done");
  });
});
