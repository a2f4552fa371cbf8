import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { domainServices } from "../services/registry.ts";

/**
 * Makes the cluster's secrets at its first start, each in the folder (a volume) of those who need
 * it: `NATS_PASSWORD`, `USERS_DB_PASSWORD` … where they are set, else random ones. What is there
 * already stays.
 */
const folder = process.argv[2] ?? "/secrets";

/** A secret of a folder: what is kept there, what the environment says, or a new one. */
function secretOf(name: string, file: string, variable: string): string {
  const path = join(folder, name, file);
  const given = process.env[variable]?.trim();
  if (existsSync(path)) {
    const kept = readFileSync(path, "utf8");
    if (given === undefined || given === "" || given === kept) return kept;
    // A database keeps the password it was made with, and its keys the secret that encrypts them.
    process.stderr.write(`${variable} differs from the ${file} in use, which stays.\n`);
    return kept;
  }
  const secret = given === undefined || given === "" ? randomBytes(24).toString("hex") : given;
  write(name, file, secret);
  return secret;
}

/** Whole or not at all, and readable for the user of whichever container mounts the folder. */
function write(name: string, file: string, content: string): void {
  const path = join(folder, name, file);
  writeFileSync(`${path}.new`, content, { mode: 0o444 });
  renameSync(`${path}.new`, path);
}

/** The subjects of Moleculer's nodes of the namespace "shop": all that a node has to do with. */
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

// Where the users database, and whoever reads its backups, does not see it.
secretOf("signing", "encryption-secret", "KEY_ENCRYPTION_SECRET");
