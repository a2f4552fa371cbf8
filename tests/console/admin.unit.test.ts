import { describe, expect, test } from "@jest/globals";
import { commonAuditActions } from "../../core/audit.ts";
import { productsContract } from "../../services/products/products.contract.ts";
import { usersContract } from "../../services/users/users.contract.ts";
import { webhooksContract } from "../../services/webhooks/webhooks.contract.ts";
import { detailsOf, kindOf, personOf } from "../../web/console/src/admin/audit/audit-facts.ts";
import {
  actionsOfTrail,
  auditFilterOf,
  type AuditFilters,
} from "../../web/console/src/admin/audit/audit-filter.ts";
import {
  faultsOfFilters,
  orderFilterOf,
  type OrderFilters,
} from "../../web/console/src/admin/orders/order-filter.ts";
import { linesToPick } from "../../web/console/src/admin/orders/packing/lines-to-pick.ts";
import { marksUpTo } from "../../web/console/src/admin/overview/axis-marks.ts";
import { editsOf, inputOf } from "../../web/console/src/admin/products/edit/product-edits.ts";
import { viewOf } from "../../web/console/src/admin/products/product-view.ts";
import { formatRoundNumber, formatRoundPrice } from "../../web/console/src/ui/format.ts";
import { counted } from "../../web/console/src/texts/counted.ts";

const id = "01a22361-48ac-7583-bce1-8b1bcdbf5cc9";

test("the list of what to pick has one line for each product, by name", () => {
  const line = (name: string | null, quantity: number) => {
    return { product_id: `id of ${name}`, name, quantity, product: null };
  };
  const orders = [
    { order_products: [line("Mug", 2), line("Bowl", 1)] },
    { order_products: [line("Mug", 3), line(null, 4)] },
  ];
  const picked = linesToPick(orders).map(({ name, quantity }) => [name, quantity]);
  expect(picked).toEqual([
    [null, 4],
    ["Bowl", 1],
    ["Mug", 5],
  ]);
});

describe("the filters of orders", () => {
  const none: OrderFilters = {
    number: "",
    status: "",
    user: "",
    from: "",
    before: "",
    min: "",
    max: "",
    sort: "",
  };

  test.each<[Partial<OrderFilters>, string]>([
    [{ min: "300" }, "min"],
    [{ max: "300" }, "max"],
    [{ number: "nonsense" }, "number"],
    [{ user: "nonsense" }, "user"],
    [{ from: "2026-01-01T00:00", min: "abc" }, "min"],
    [{ from: "2026-01-01T00:00", min: "5", max: "4" }, "max"],
    [{ from: "2026-01-02T00:00", before: "2026-01-01T00:00" }, "before"],
    [{ from: "yesterday" }, "from"],
  ])("%j has a fault at %s", (filters, name) => {
    expect(Object.keys(faultsOfFilters({ ...none, ...filters }))).toEqual([name]);
  });

  test.each<Partial<OrderFilters>>([
    {},
    { number: "1hn4-7T2C-9KQ0", min: "300" },
    { number: " 1hn4 7T2C 9KQ0" },
    { number: "1HN4\u20137T2C\u20139KQ0" },
    { user: id, max: "3" },
    { from: "2026-01-01T00:00", before: "2026-01-02T00:00", min: "3", max: "3" },
  ])("%j has no fault", (filters) => {
    expect(faultsOfFilters({ ...none, ...filters })).toEqual({});
  });

  test("take an order number with spaces", () => {
    const filters = { ...none, number: "1HN4 7T2C 9KQ0" };
    expect(orderFilterOf(filters)).toMatchObject({ number: "1HN4 7T2C 9KQ0" });
  });
});

test("a list by SKU or of low stock has no other filter", () => {
  const filters = { q: "mug", sku: " A ", stock: "low", sort: "NAME_ASC" };
  const none = { search: undefined, sku: "", stock: "all", sort: "NEWEST_FIRST" };
  expect(viewOf(filters)).toEqual({ ...none, sku: "A" });
  expect(viewOf({ ...filters, sku: "" })).toEqual({ ...none, stock: "low" });
});

describe("the edits of a product", () => {
  const base = { name: "Mug", description: "two\r\nlines", price: "16.00", sku: "A" };

  test("contain only fields whose value differs", () => {
    const typed = { ...base, description: "two\nlines", price: "16", name: "Cup" };
    expect(editsOf(typed, base)).toEqual({ name: "Cup" });
  });

  test("become the input of the mutation", () => {
    const product = { id, version: 3 };
    expect(inputOf(product, { price: "12,5", sku: "" })).toEqual({
      ...product,
      price: 1_250,
      sku: "",
    });
    expect(inputOf(product, { name: "Cup" })).toEqual({ ...product, name: "Cup" });
  });
});

describe("the audit trail", () => {
  const signIn = {
    id,
    at: "2026-01-01T00:00:00.000Z",
    action: "LOGGED_IN",
    outcome: "OK",
    actorKind: "anonymous",
    actorId: null,
    address: null,
    subjectId: id,
    detail: null,
  } as const;
  const noFilter: AuditFilters = {
    trail: "",
    action: "",
    outcome: "",
    kind: "",
    actor: "",
    subject: "",
    from: "",
    before: "",
  };

  test("names who has signed in", () => {
    expect(personOf(signIn)).toBe(id);
  });

  test("has the actions of the services as filters", () => {
    for (const { name, auditActions } of [usersContract, productsContract, webhooksContract]) {
      const recorded = Object.keys({ ...commonAuditActions, ...auditActions });
      expect([...actionsOfTrail[name]].sort()).toEqual(recorded.sort());
    }
  });

  test("asks the shop for the entries of its filters", () => {
    const filters = { ...noFilter, action: "LOGGED_IN", outcome: "ok", from: "2026-01-02T00:00Z" };
    expect(auditFilterOf("users", filters, [id], undefined)).toEqual({
      actorIds: [id],
      actions: ["LOGGED_IN"],
      rejected: false,
      since: "2026-01-02T00:00:00.000Z",
    });
    const byOperator = { ...noFilter, kind: "operator" };
    expect(auditFilterOf("users", byOperator, undefined, undefined)).toEqual({
      actorKind: "operator",
    });
    // The address may have anything.
    const odd = { ...filters, outcome: "__proto__", kind: "__proto__" };
    expect(auditFilterOf("products", odd, undefined, [])).toEqual({
      subjectIds: [],
      since: "2026-01-02T00:00:00.000Z",
    });
  });

  test("does not name the owner of an account as who was refused", () => {
    const refused = { ...signIn, action: "LOGIN_REFUSED", outcome: "INVALID_CREDENTIALS" } as const;
    expect(personOf(refused)).toBeNull();
    expect(kindOf(refused)).toBe("LOGIN_REFUSED");
    expect(kindOf({ ...refused, actorKind: "user", actorId: id })).toBe("OWN_LOGIN_REFUSED");
  });

  test("has details in words", () => {
    const entry = { ...signIn, detail: '{"number": 7, "price": 1250, "everywhere": true}' };
    expect(detailsOf(entry)).toEqual([
      ["Pieces", "7"],
      ["Price", "€12.50"],
      ["All sessions", "Yes"],
    ]);
    const changed = { ...signIn, action: "TYPE_CHANGED", detail: '{"from": 0, "to": 1}' } as const;
    expect(detailsOf(changed)).toEqual([
      ["Before", "Customer"],
      ["After", "Admin"],
    ]);
  });
});

test.each([
  [0, [0, 1]],
  [1, [0, 1]],
  [18, [0, 5, 10, 15, 20]],
  [27, [0, 10, 20, 30]],
  [250_000, [0, 100_000, 200_000, 300_000]],
])("the marks of an axis reach %d", (max, marks) => {
  expect(marksUpTo(max)).toEqual(marks);
});

test("a round number is short beside an axis", () => {
  expect([0, 500, 1_500, 20_000, 1_000_000].map(formatRoundNumber)).toEqual([
    "0",
    "500",
    "1.5K",
    "20K",
    "1M",
  ]);
  expect([0, 1, 50, 1_000, 3_000_000_000].map(formatRoundPrice)).toEqual([
    "€0",
    "€0.01",
    "€0.5",
    "€10",
    "€30M",
  ]);
});

test("a number of things has the right noun", () => {
  expect([0, 1, 1_200].map((count) => counted(count, "row", "rows"))).toEqual([
    "0 rows",
    "1 row",
    "1,200 rows",
  ]);
});
