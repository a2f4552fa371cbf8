import { createServer, type ServerResponse } from "node:http";
import { hash, verify } from "@node-rs/argon2";
import pg from "pg";

/**
 * The baseline server: `node:http` and `pg` read and write the same rows with nothing in between.
 * Settings: BASELINE_PRODUCTS_URL and BASELINE_ORDERS_URL (the databases of the shop), BASELINE_URL
 * (a database with the tables of the minimal order).
 */
const [products, orders, minimal] = [
  "BASELINE_PRODUCTS_URL",
  "BASELINE_ORDERS_URL",
  "BASELINE_URL",
].map((name) => new pg.Pool({ connectionString: process.env[name] ?? "", max: 10 })) as [
  pg.Pool,
  pg.Pool,
  pg.Pool,
];

const argon2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const password = await hash("bench-password", argon2);

const routes: Record<string, (argument: string) => Promise<unknown>> = {
  constant: async () => ({ data: { ok: true } }),
  async product(id) {
    const text = "SELECT id, name, description, price, stock FROM products WHERE id = $1";
    return (await products.query<object>({ name: "product", text, values: [id] })).rows[0];
  },
  async products() {
    const text = `SELECT id, name, description, price, stock FROM products
      WHERE archived_at IS NULL ORDER BY id LIMIT 20`;
    return (await products.query<object>({ name: "products", text })).rows;
  },
  async orders(userId) {
    const text = `SELECT o.id, o.user_id, o.price_total, o.quantity, json_agg(json_build_object(
        'product_id', l.product_id, 'quantity', l.quantity, 'price', l.price, 'name', p.name)) AS lines
      FROM (SELECT * FROM orders WHERE user_id = $1 ORDER BY id LIMIT 20) o
      JOIN order_lines l ON l.order_id = o.id LEFT JOIN known_products p ON p.id = l.product_id
      GROUP BY o.id, o.user_id, o.price_total, o.quantity ORDER BY o.id`;
    return (await orders.query<object>({ name: "orders", text, values: [userId] })).rows;
  },
  order: placeOrder,
  login: async () => ({ ok: await verify(password, "bench-password") }),
};

/** The minimal order: stock, order, line and event in one transaction of one database. */
async function placeOrder(productId: string): Promise<unknown> {
  const client = await minimal.connect();
  try {
    const order = crypto.randomUUID();
    await client.query("BEGIN");
    await client.query({
      name: "stock",
      text: "UPDATE stock SET stock = stock - 1 WHERE id = $1 AND stock >= 1",
      values: [productId],
    });
    await client.query({
      name: "order",
      text: "INSERT INTO orders VALUES ($1, 5)",
      values: [order],
    });
    await client.query({
      name: "line",
      text: "INSERT INTO lines VALUES ($1, $2, 1, 5)",
      values: [order, productId],
    });
    await client.query({
      name: "event",
      text: "INSERT INTO log (data) VALUES ($1)",
      values: [JSON.stringify({ order, productId })],
    });
    await client.query("COMMIT");
    return { id: order };
  } finally {
    client.release();
  }
}

function send(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  res.end(text);
}

createServer((req, res) => {
  const [, name = "", argument = ""] = (req.url ?? "").split("/");
  const result =
    routes[name]?.(argument) ?? Promise.reject(new Error(`unknown baseline "${name}"`));
  result.then(
    (body) => {
      send(res, 200, body);
    },
    (error: unknown) => {
      send(res, 500, { error: String(error) });
    },
  );
}).listen(Number(process.env.PORT), "127.0.0.1", () => process.send?.("listening"));
