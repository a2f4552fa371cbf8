import { Kind, parse, print, visit, type FieldNode } from "graphql";
import { eventually } from "../../../tools/support/eventually.ts";
import { putOnSale } from "../ordering.ts";
import { password, startTestShop, type TestShop } from "../shop.ts";
import { placeholders, type Placeholder } from "./placeholders.ts";

type Ids = Record<"PRODUCT_ID" | "ORDER_ID" | "OTHER_ORDER_ID" | "USER_ID", string>;

interface Outbox {
  readers: { behind: number }[];
}

/**
 * The shop that runs the examples of one page: with two products, and a customer with two orders.
 * There is no admin before an example needs one, so that a page can register the first admin.
 */
export class ExampleShop {
  readonly shop: TestShop;
  readonly #values: Ids;
  #admin: Promise<string> | undefined;

  private constructor(shop: TestShop, values: Ids) {
    this.shop = shop;
    this.#values = values;
  }

  static async start(): Promise<ExampleShop> {
    const shop = await startTestShop();
    try {
      const example = new ExampleShop(shop, await filled(shop));
      await example.settled();
      return example;
    } catch (error) {
      await shop.stop();
      throw error;
    }
  }

  /** Waits until all services have applied all events. */
  async settled(): Promise<void> {
    await eventually("the end of all events", async () => {
      // An event of an earlier service may cause an event of a later one.
      for (const service of ["users", "orders", "products"]) {
        const { readers } = await this.shop.call<Outbox>(`${service}.outbox`);
        if (readers.some(({ behind }) => behind > 0)) return false;
      }
      return true;
    });
  }

  /** Returns the access token of a sender; none for an anonymous one. */
  async tokenOf(sender: "admin" | "customer" | undefined): Promise<string | undefined> {
    if (sender === undefined) return undefined;
    if (sender === "customer") return (await this.#logIn()).token;
    this.#admin ??= this.shop.signIn("boss", 1).then(({ token }) => token);
    return this.#admin;
  }

  /** Orders the product of the examples and ships the order, which causes an event of each kind that is published. */
  async causeEvents(): Promise<void> {
    const { PRODUCT_ID: product_id, USER_ID: user_id } = this.#values;
    const order = { user_id, order_products: [{ product_id, quantity: 1 }] };
    const { id } = await this.shop.call<{ id: string }>("orders.place", order);
    await this.shop.call("orders.ship", { id, tracking: "DHL 00340434161094" });
  }

  /**
   * Replaces the placeholders in a text. Shell variables of the same names stay.
   *
   * @param document the document that a cursor is for
   */
  async fill(text: string, document = text): Promise<string> {
    let filled = text;
    for (const name of Object.keys(placeholders) as Placeholder[]) {
      const pattern = new RegExp(`(?<![\\w$]|\\$\\{)${name}(?![\\w=])`, "g");
      if (!pattern.test(filled)) continue;
      const value = await this.#valueOf(name, document);
      filled = filled.replaceAll(pattern, () => value);
    }
    return filled;
  }

  async #valueOf(name: Placeholder, document: string): Promise<string> {
    if (name === "REFRESH_TOKEN") return (await this.#logIn()).refreshToken;
    if (name === "CURSOR") return this.#cursorFor(document);
    return this.#values[name];
  }

  #logIn() {
    const { email } = customer;
    return this.shop.call<{ token: string; refreshToken: string }>("users.login", {
      email,
      password,
    });
  }

  /** Returns the first cursor of the connection that a document reads, in the same order. */
  async #cursorFor(document: string): Promise<string> {
    let connection: FieldNode | undefined;
    visit(parse(document), {
      Field(node) {
        if (node.name.value.endsWith("Connection")) connection ??= node;
      },
    });
    if (connection === undefined) throw new Error("CURSOR stands in a document without connection");
    const field = connection.name.value;
    const sort = connection.arguments?.find(({ name }) => name.value === "sort");
    const sorted = sort?.value.kind === Kind.ENUM ? `, ${print(sort)}` : "";
    const query = `{ ${field}(first: 1${sorted}) { edges { cursor } } }`;
    const token = await this.tokenOf(field === "productsConnection" ? undefined : "admin");
    const { data } = await this.shop.graphql<Record<string, { edges: { cursor: string }[] }>>(
      query,
      { token },
    );
    return data?.[field]?.edges[0]?.cursor ?? "";
  }

  stop(): Promise<void> {
    return this.shop.stop();
  }
}

const customer = { email: "customer@example.com", username: "customer", password };

/** Adds products, the customer and orders to a shop. Returns their ids. */
async function filled(shop: TestShop): Promise<Ids> {
  const productId = await putOnSale(shop, 1_000, 990, "Mug");
  await putOnSale(shop, 1_000, 1_290, "Blue mug");
  const user = await shop.call<{ id: string }>("users.register", { ...customer, type: 0 });
  const order_products = [{ product_id: productId, quantity: 2 }];
  const place = () =>
    shop.call<{ id: string }>("orders.place", { user_id: user.id, order_products });
  const other = await place();
  const order = await place();
  return {
    PRODUCT_ID: productId,
    ORDER_ID: order.id,
    OTHER_ORDER_ID: other.id,
    USER_ID: user.id,
  };
}
