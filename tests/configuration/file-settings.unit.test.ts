import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { sections } from "../../config/settings.ts";
import { faultsOf, read } from "../support/read-config.ts";

describe("a setting in a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "shop-config-"));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("is the content of the file without its final line break", () => {
    const env = { ORDERS_DB_URL_FILE: file("url", "postgres://u:p@db/orders\n") };
    expect(read(env).databaseUrls.orders).toBe("postgres://u:p@db/orders");
    expect(read({ PORT_FILE: file("port", "99") }).port).toBe(99);
  });

  test("is overridden by the variable itself", () => {
    expect(read({ PORT: "1", PORT_FILE: file("port", "99") }).port).toBe(1);
  });

  test("is rejected if the file is missing, is empty or has an invalid value", () => {
    expect(faultsOf({ PORT_FILE: join(folder, "none") })).toEqual([
      expect.stringMatching(/^PORT_FILE names a file that cannot be read/),
    ]);
    expect(faultsOf({ PORT_FILE: file("empty", "\n") })).toEqual([
      expect.stringMatching(/^PORT_FILE names an empty file/),
    ]);
    expect(faultsOf({ PORT_FILE: file("words", "eighty") })[0]).toMatch(/^PORT must be a whole/);
  });

  test("has an example of its own in the message", () => {
    expect(faultsOf({ KEY_ENCRYPTION_SECRET_FILE: join(folder, "none") })).toEqual([
      expect.stringMatching(
        "; for example KEY_ENCRYPTION_SECRET_FILE=/run/secrets/key-encryption-secret$",
      ),
    ]);
  });

  const declared = sections.flatMap(({ settings }) => Object.entries(settings));
  const namesOf = (types: string[]) =>
    declared.filter(([, { type }]) => types.includes(type)).map(([name]) => name);
  const checked = namesOf(["integer", "flag", "choice", "selection", "list", "URL", "file"]);

  // An operator who mixes up two files must not find a secret in the logs.
  test.each([...checked, "NAMESPACE", "ADMIN_EMAIL", "BACKUP_EVERY"])(
    "does not appear in the error if it is invalid: %s",
    (name) => {
      const path = file("mixed-up", "Hunter 22\nline 2\n");
      const others: Record<string, string> = { TRANSPORTER: "nats://localhost", BACKUP_DIR: "x" };
      const env = { ...others, [name]: "", [`${name}_FILE`]: path };
      const fault = faultsOf(env).find((line) => line.startsWith(`${name} `));
      expect(fault).toContain(` (read from "${path}", which ${name}_FILE names); for example `);
      expect(faultsOf(env).join()).not.toContain("Hunter");
    },
  );

  const secret = "s3cret-value";

  test("does not appear if the folder of the backups is unusable", () => {
    const path = file("secret", `/nowhere/${secret}/x`);
    const faults = faultsOf({ BACKUP_EVERY: "1d", BACKUP_DIR_FILE: path }).join();
    expect(faults).toMatch(/^BACKUP_DIR must be a folder, .*read from/);
    const loop = join(folder, secret);
    symlinkSync(loop, loop);
    const BACKUP_DIR_FILE = file("loop", join(loop, "x"));
    const looped = faultsOf({ BACKUP_EVERY: "1d", BACKUP_DIR_FILE }).join();
    expect(looped).toMatch(/^BACKUP_DIR names a path that cannot be read \(ELOOP\) \(read from/);
    expect(looped).not.toContain(secret);
  });

  test("does not appear if it is a database URL with a missing certificate", () => {
    const url = `postgres://u:p@h/x?sslmode=verify-full&sslrootcert=/${secret}.pem`;
    const faults = faultsOf({ USERS_DB_URL_FILE: file("url", url) });
    expect(faults).toEqual([
      expect.stringMatching(
        /^USERS_DB_URL names a file that cannot be read \(ENOENT\) \(read from/,
      ),
    ]);
    expect(faults.join()).not.toContain(secret);
    const mode = file("mode", `postgres://u:p@h/x?sslmode=${secret}`);
    expect(faultsOf({ USERS_DB_URL_FILE: mode }).join()).not.toContain(secret);
  });
});

test.each(["HOST", "DATA_DIR", "BACKUP_DIR", "NODE_ENV_FILE", "PORT", "NATS_TLS_CA_FILE"])(
  "the message for a value of 64 KiB in %s is short",
  (name) => {
    for (const value of ["x".repeat(65_536), "/".padEnd(65_536, "x/")]) {
      const faults = faultsOf({ BACKUP_EVERY: "1d", BACKUP_DIR: tmpdir(), [name]: value });
      expect(faults).toEqual([expect.stringMatching(`^${name} `)]);
      expect(faults.join().length).toBeLessThan(500);
    }
  },
);
