import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { domainServices } from "../services/registry.ts";

/**
 * Makes the cluster's secrets at its first start, each in the folder (a volume) of the containers
 * that need it. `NATS_PASSWORD`, `USERS_DB_PASSWORD` … set a secret; otherwise it is random.
 * Existing secrets stay.
 */
const folder = process.argv[2] ?? "/secrets";

/** Returns a secret: the existing one of the folder, that of the environment, or a new one. */
function secretOf(name: string, file: string, variable: string): string {
  const path = join(folder, name, file);
  const configured = process.env[variable]?.trim();
  if (existsSync(path)) {
    const existing = readFileSync(path, "utf8");
    if (configured === undefined || configured === "" || configured === existing) return existing;
    // The database was created with this password, and its keys are encrypted with this secret.
    process.stderr.write(`${variable} differs from the ${file} in use, which stays.\n`);
    return existing;
  }
  const secret =
    configured === undefined || configured === "" ? randomBytes(24).toString("hex") : configured;
  write(name, file, secret);
  return secret;
}

/** Writes a file atomically, readable for the user of any container that mounts the folder. */
function write(name: string, file: string, content: string): void {
  const path = join(folder, name, file);
  writeFileSync(`${path}.new`, content, { mode: 0o444 });
  renameSync(`${path}.new`, path);
}

/** The subjects of Moleculer nodes of the namespace "shop": a node needs no others. */
const subjects = JSON.stringify("MOL-shop.>");
const natsPassword = secretOf("nats", "password", "NATS_PASSWORD");
write("nats", "url", `nats://shop:${encodeURIComponent(natsPassword)}@nats:4222`);
write(
  "nats",
  "server.conf",
  [
    "port: 4222",
    "http: 127.0.0.1:8222",
    "max_payload: 1MB",
    "authorization {",
    "  users: [{",
    `    user: shop, password: ${JSON.stringify(natsPassword)}`,
    `    permissions: { publish: [${subjects}], subscribe: [${subjects}] }`,
    "  }]",
    "}",
    "",
  ].join("\n"),
);

for (const service of domainServices) {
  const password = secretOf(service, "password", `${service.toUpperCase()}_DB_PASSWORD`);
  const url = `postgres://shop:${encodeURIComponent(password)}@${service}-db:5432/${service}`;
  write(service, "url", url);
}

// In a folder of its own: the users database and its backups must not contain it.
secretOf("signing", "encryption-secret", "KEY_ENCRYPTION_SECRET");
