import { tmpdir } from "node:os";
import { expect, test } from "@jest/globals";
import { faultsOf, read } from "../support/read-config.ts";

test.each(["DATA_DIR", "BACKUP_DIR"])(
  "%s cannot begin with ~: only a shell replaces it",
  (name) => {
    for (const path of ["~", "~/shop", "~shop/data"]) {
      expect(faultsOf({ BACKUP_EVERY: "1h", BACKUP_DIR: tmpdir(), [name]: path })).toContainEqual(
        expect.stringMatching(
          `^${name} must be a path that does not begin with ~, .*, not "${path}"; for example ${name}=`,
        ),
      );
    }
    expect(read({ DATA_DIR: "./~" }).dataDir).toMatch(/\/~$/);
  },
);

test.each(["PERSISTED_DOCUMENTS", "NATS_TLS_CA_FILE"])("%s cannot be a folder", (name) => {
  const env = { TRANSPORTER: "tls://localhost", [name]: tmpdir() };
  expect(faultsOf(env)).toEqual([
    expect.stringContaining(`${name} names a folder: "${tmpdir()}"; for example ${name}=`),
  ]);
});

test.each([
  ["?sslrootcert=/none.pem", 'names a file that cannot be read (ENOENT): "/none.pem"'],
  ["?sslmode=verify-ca&uselibpqcompat=true", "is rejected by the driver ("],
])("a database URL with %s is rejected", (query, problem) => {
  const url = `postgres://shop:hunter22@localhost/users${query}`;
  const faults = faultsOf({ USERS_DB_URL: url });
  expect(faults).toEqual([expect.stringContaining(`USERS_DB_URL ${problem}`)]);
  expect(faults.join()).not.toContain("hunter22");
});

test("the parts of a database URL must be percent-encoded", () => {
  const faults = faultsOf({ USERS_DB_URL: "postgres://shop:hunter22%ff@localhost/users" });
  expect(faults).toEqual([expect.stringMatching(/^USERS_DB_URL must have its parts percent-/)]);
  expect(faults.join()).not.toContain("hunter22");
});

test.each(["postgres://", "postgres:///users"])("the database URL %s has no host", (url) => {
  expect(faultsOf({ USERS_DB_URL: url })).toEqual([
    "USERS_DB_URL must name a host; for example USERS_DB_URL=postgres://user:password@localhost:5432/users",
  ]);
});

test.each(["postgres://h/users?port=99999", "postgres://h/users?port=x"])(
  "the database URL %s has an impossible port",
  (url) => {
    expect(faultsOf({ USERS_DB_URL: url })).toEqual([
      "USERS_DB_URL must have a port from 1 to 65535; for example USERS_DB_URL=postgres://user:password@localhost:5432/users",
    ]);
  },
);

test("a URL with an impossible port is rejected with the highest possible one", () => {
  expect(faultsOf({ TRANSPORTER: "nats://localhost:99999" })).toEqual([
    "TRANSPORTER must be a valid URL, with a port up to 65535, that begins with nats:// or tls://; for example TRANSPORTER=nats://user:password@localhost:4222",
  ]);
});
