import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * A Vendure process, on the Vendure that is installed in a folder. Its configuration is that of the
 * project which `@vendure/create` makes, without assets, email and dashboard, with the settings of
 * Vendure's page "Production configuration". Arguments: `populate`, `server` or `worker`, and the
 * folder. Settings: VENDURE_PORT, VENDURE_DATABASE_URL, VENDURE_CATALOGUE (a CSV file).
 */

interface Plugin {
  init: (options: object) => unknown;
}
type App = Promise<{ close: () => Promise<void> }>;

/** The parts of `@vendure/core` that this program uses. This project does not install Vendure. */
interface Core {
  bootstrap: (config: object) => App;
  bootstrapWorker: (config: object) => Promise<{ startJobQueue: () => Promise<unknown> }>;
  DefaultJobQueuePlugin: Plugin;
  DefaultSchedulerPlugin: Plugin;
  DefaultSearchPlugin: Plugin;
  DefaultLogger: new (options: object) => unknown;
  LogLevel: { Warn: number };
  UuidIdStrategy: new () => unknown;
  dummyPaymentHandler: unknown;
}

interface Cli {
  populate: (start: () => App, initialData: object, catalogue: string) => App;
}

const [, , mode = "", folder = ""] = process.argv;
const load = createRequire(join(folder, "package.json"));
const core = load("@vendure/core") as Core;
const { HardenPlugin } = load("@vendure/harden-plugin") as { HardenPlugin: Plugin };

const database = new URL(process.env.VENDURE_DATABASE_URL ?? "");
const config = {
  apiOptions: {
    hostname: "127.0.0.1",
    port: Number(process.env.VENDURE_PORT),
    adminApiPath: "admin-api",
    shopApiPath: "shop-api",
    cors: { origin: "https://shop.example", credentials: true },
  },
  authOptions: {
    tokenMethod: ["bearer"],
    superadminCredentials: { identifier: "admin", password: "bench-password" },
    // There is no email.
    requireVerification: false,
  },
  dbConnectionOptions: {
    type: "postgres",
    host: database.searchParams.get("host"),
    username: decodeURIComponent(database.username),
    database: database.pathname.slice(1),
    synchronize: mode === "populate",
    migrations: [],
    logging: false,
  },
  entityOptions: { entityIdStrategy: new core.UuidIdStrategy() },
  logger: new core.DefaultLogger({ level: core.LogLevel.Warn }),
  paymentOptions: { paymentMethodHandlers: [core.dummyPaymentHandler] },
  plugins: [
    core.DefaultSchedulerPlugin.init({}),
    core.DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }),
    // The index is built as a whole after the import, and not by a job for each product.
    core.DefaultSearchPlugin.init({ bufferUpdates: mode === "populate", indexStockStatus: true }),
    HardenPlugin.init({ maxQueryComplexity: 500, apiMode: "prod" }),
  ],
};

const initialData = {
  defaultLanguage: "en",
  defaultZone: "Europe",
  countries: [{ name: "Germany", code: "DE", zone: "Europe" }],
  taxRates: [{ name: "Standard Tax", percentage: 20 }],
  shippingMethods: [{ name: "Standard Shipping", price: 500 }],
  paymentMethods: [
    {
      name: "Dummy Payment",
      handler: {
        code: "dummy-payment-handler",
        arguments: [{ name: "automaticSettle", value: "true" }],
      },
    },
  ],
  collections: [],
};

if (mode === "populate") {
  const { populate } = load("@vendure/core/cli") as Cli;
  const catalogue = process.env.VENDURE_CATALOGUE ?? "";
  const app = await populate(() => core.bootstrap(config), initialData, catalogue);
  await app.close();
  process.exit(0);
}
if (mode === "server") await core.bootstrap(config);
if (mode === "worker") await (await core.bootstrapWorker(config)).startJobQueue();
process.send?.("ready");
