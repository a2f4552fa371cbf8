import { expect, test } from "@jest/globals";
import { ConnectionError, DatabaseError } from "sequelize";
import { databaseProblemOf } from "../../database/errors/database-problem.ts";

const url = "postgres://shop:secret@db.internal:5433/orders?sslmode=verify-full";
const named = { service: "orders", url };

/** Makes an error as the driver throws it. */
const driverError = (code: string, message: string) =>
  Object.assign(new Error(message), code === "" ? {} : { code });
const connection = (code: string, message: string) =>
  new ConnectionError(driverError(code, message));
const statement = (code: string, message: string) =>
  new DatabaseError(Object.assign(driverError(code, message), { sql: "CREATE TABLE x ()" }));

test.each<[title: string, error: Error, said: string, isTemporary: boolean]>([
  [
    "a wrong password",
    connection("28P01", 'password authentication failed for user "shop"'),
    'PostgreSQL at db.internal:5433 rejects the user "shop" (password authentication failed for user "shop"). Correct ORDERS_DB_URL.',
    false,
  ],
  [
    "a missing password",
    connection("", "SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"),
    'PostgreSQL at db.internal:5433 rejects the user "shop"',
    false,
  ],
  [
    "a server without TLS",
    connection("", "The server does not support SSL connections"),
    "TLS with PostgreSQL at db.internal:5433 failed (The server does not support SSL connections). Correct sslmode in ORDERS_DB_URL.",
    false,
  ],
  [
    "a certificate that cannot be verified",
    connection("SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain"),
    "TLS with PostgreSQL at db.internal:5433 failed (its CA is unknown, SELF_SIGNED_CERT_IN_CHAIN). Name the file of the CA by sslrootcert in ORDERS_DB_URL.",
    false,
  ],
  [
    "an expired certificate",
    connection("CERT_HAS_EXPIRED", "certificate has expired"),
    "failed (certificate has expired). Renew the certificate of the server.",
    false,
  ],
  [
    "a certificate of another host",
    connection("ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match"),
    "failed (Hostname/IP does not match). Use a host name of the certificate in ORDERS_DB_URL.",
    false,
  ],
  [
    "a server that starts",
    connection("57P03", "the database system is starting up"),
    "PostgreSQL at db.internal:5433 cannot be reached (the database system is starting up). Start it, or correct ORDERS_DB_URL.",
    true,
  ],
  [
    "a server without a free connection",
    connection("53300", "sorry, too many clients already"),
    "PostgreSQL at db.internal:5433 has no free connection (sorry, too many clients already). Lower DB_POOL_MAX of the nodes, or raise the limit.",
    true,
  ],
  [
    "a host that does not exist",
    connection("ENOTFOUND", "getaddrinfo ENOTFOUND db.internal"),
    "PostgreSQL at db.internal:5433 cannot be reached (getaddrinfo ENOTFOUND db.internal).",
    true,
  ],
  [
    "a connection that ends during a statement",
    statement("57P01", "terminating connection due to administrator command"),
    "PostgreSQL at db.internal:5433 cannot be reached",
    true,
  ],
  [
    "a standby",
    statement("25006", "cannot execute CREATE TABLE in a read-only transaction"),
    'the database "orders" is read-only (cannot execute CREATE TABLE in a read-only transaction). Make it writable, or correct ORDERS_DB_URL if it names a standby.',
    false,
  ],
  [
    "a table of another program",
    statement("42P07", 'relation "orders" already exists'),
    'the database "orders" cannot be migrated (relation "orders" already exists). If it has tables of other programs, use another database.',
    false,
  ],
])("%s is a sentence", (_title, error, said, isTemporary) => {
  const problem = databaseProblemOf(error, named);
  expect(problem?.message).toMatch(/^ORDERS_DB_URL: /);
  expect(problem?.message).toContain(said);
  expect(problem?.message).not.toContain("secret");
  expect(problem?.isTemporary).toBe(isTemporary);
});

test.each([
  ["an error of the program", new TypeError("x is not a function")],
  ["a violated constraint", statement("23505", "duplicate key")],
])("%s is no problem of the configuration", (_title, error) => {
  expect(databaseProblemOf(error, named)).toBeUndefined();
});
