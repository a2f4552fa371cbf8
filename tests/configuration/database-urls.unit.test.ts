import { afterEach, expect, jest, test } from "@jest/globals";
import { faultsOf, read } from "../support/read-config.ts";

const example = "; for example USERS_DB_URL=postgres://user:password@localhost:5432/users";

test.each([
  ["postgres://u:p@127.0.0.1:0/x", "must have a port from 1 to 65535"],
  ["postgres://u:p@h/x?port=0", "must have a port from 1 to 65535"],
  ["postgres://u:p@h:1/x?port=5432&port=0", "must have a port from 1 to 65535"],
  ["postgres://u:hunter22%zz@h/x", "must have its parts percent-encoded"],
  ["postgres://u:hunter22%@h/x", "must have its parts percent-encoded"],
  ["postgres://u:hunter22@h/x%2", "must have its parts percent-encoded"],
  ["postgres://u:hunter%2022@h/x?application_name=a b", "must not contain blanks; write %20"],
  ["postgres://u:hunter 22@h/x", "must not contain blanks; write %20"],
  ["postgres://u:hunter22@h/a\tb", "must not contain blanks; write %20"],
])("the database URL %s is rejected", (url, problem) => {
  const faults = faultsOf({ USERS_DB_URL: url });
  expect(faults).toEqual([`USERS_DB_URL ${problem}${example}`]);
});

const modes = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];

test.each(["bogus", "allow", "Require", ""])("sslmode=%s of a database URL is rejected", (mode) => {
  expect(faultsOf({ USERS_DB_URL: `postgres://u:p@h/x?sslmode=${mode}` })).toEqual([
    `USERS_DB_URL must have as sslmode one of ${modes.join(", ")}, not "${mode}"${example}`,
  ]);
  expect(
    faultsOf({ USERS_DB_URL: `postgres://u:p@h/x?sslmode=disable&sslmode=${mode}` }),
  ).toHaveLength(1);
});

test("ssl=false of a database URL is rejected: the driver takes it for TLS", () => {
  expect(faultsOf({ USERS_DB_URL: "postgres://u:p@h/x?ssl=false" })).toEqual([
    `USERS_DB_URL must have as ssl one of true, 1, 0, no-verify, not "false"${example}`,
  ]);
});

afterEach(() => {
  jest.restoreAllMocks();
});

test.each(modes)("sslmode=%s of a database URL is accepted without a warning", (mode) => {
  const emitWarning = jest.spyOn(process, "emitWarning").mockReturnValue();
  const USERS_DB_URL = `postgres://u:p@h/x?sslmode=${mode}`;
  expect(read({ USERS_DB_URL }).databaseUrls.users).toBe(USERS_DB_URL);
  expect(emitWarning).not.toHaveBeenCalled();
});
