import { userErrors } from "../../services/users/users.contract.ts";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { openSequelize } from "../../database/sequelize.ts";
import {
  ConnectionAcquireTimeoutError,
  ConnectionRefusedError,
  DatabaseError,
  ForeignKeyConstraintError,
  HostNotFoundError,
  UniqueConstraintError,
  ValidationError,
  ValidationErrorItem,
} from "sequelize";
import { ClientError } from "../../core/errors.ts";
import { clientErrorOrFault, withoutValues } from "../../database/database-errors.ts";

/** What the driver throws: an error with a SQLSTATE or a socket's code. */
function driverError(properties: { code?: string; constraint?: string }, message = "driver") {
  return Object.assign(new Error(message), { sql: "SELECT 1", ...properties });
}

const emailTaken = () => new ClientError(userErrors.EMAIL_TAKEN, "Another account has this email.");
const constraints = { users_email_key_unique: emailTaken };

const unavailable = { type: "SERVICE_UNAVAILABLE", retryable: true };

describe("a broken constraint", () => {
  const broken = driverError({ code: "23505", constraint: "users_email_key_unique" });

  test("is the refusal that its service gives it", () => {
    const unique = new UniqueConstraintError({ parent: broken });
    expect(clientErrorOrFault(unique, constraints)).toMatchObject({ type: "EMAIL_TAKEN" });
    const foreignKey = new ForeignKeyConstraintError({ parent: broken });
    expect(clientErrorOrFault(foreignKey, constraints)).toMatchObject({ type: "EMAIL_TAKEN" });
  });

  test("is a fault of ours when no refusal stands for it", () => {
    const error = new UniqueConstraintError({
      parent: driverError({ code: "23505", constraint: "orders_pkey" }),
    });
    expect(clientErrorOrFault(error, constraints)).toBe(error);
    expect(clientErrorOrFault(error, {})).toBe(error);
  });

  test("is a fault of ours when the driver does not name it", () => {
    const error = new UniqueConstraintError({ parent: driverError({ code: "23505" }) });
    expect(clientErrorOrFault(error, constraints)).toBe(error);
  });
});

describe("a database that is not there", () => {
  test.each<[string, Error]>([
    ["cannot be connected to", new ConnectionRefusedError(driverError({ code: "ECONNREFUSED" }))],
    ["has a host nobody knows", new HostNotFoundError(driverError({ code: "ENOTFOUND" }))],
    ["has no connection left", new ConnectionAcquireTimeoutError(driverError({}))],
    ["ends a connection under a query", driverError({}, "Connection terminated unexpectedly")],
    ["ended the connection before", driverError({}, "Client was closed and is not queryable")],
    ["resets the connection", driverError({ code: "ECONNRESET" })],
    ["stops reading", driverError({ code: "EPIPE" })],
    ["has lost its socket's file", driverError({ code: "ENOENT" })],
  ])("is SERVICE_UNAVAILABLE when it %s", (_, error) => {
    expect(clientErrorOrFault(error, {})).toMatchObject({ ...unavailable, cause: error });
  });

  test.each([
    ["08006", "a connection failure"],
    ["53300", "too many connections"],
    ["53100", "a full disk"],
    ["57P01", "a shutdown"],
    ["57P03", "a server that still starts"],
    ["57014", "a statement that took too long"],
    ["40001", "a serialization failure"],
    ["40P01", "a deadlock"],
  ])("is SERVICE_UNAVAILABLE at SQLSTATE %s, %s", (code) => {
    for (const error of [driverError({ code }), new DatabaseError(driverError({ code }))]) {
      expect(clientErrorOrFault(error, {})).toMatchObject({ ...unavailable, cause: error });
    }
  });

  test("keeps its own words from the client", () => {
    const error = driverError({ code: "08006" }, "server db-7.internal closed the connection");
    expect(clientErrorOrFault(error, {})).toMatchObject({
      message: "The database cannot be reached just now.",
    });
  });
});

test("a query to a service that stops is SERVICE_UNAVAILABLE", async () => {
  const sequelize = openSequelize("postgres://127.0.0.1:1/none", 1);
  await sequelize.close();
  const fault: unknown = await sequelize.query("SELECT 1").catch((error: unknown) => error);
  expect(clientErrorOrFault(fault, {})).toMatchObject({ ...unavailable, cause: fault });
  const draining = new Error("pool is draining and cannot accept work");
  expect(clientErrorOrFault(draining, {})).toMatchObject(unavailable);
});

describe("a fault of ours stays what it is", () => {
  test.each([
    ["a syntax error", new DatabaseError(driverError({ code: "42601" }))],
    ["a missing table", new DatabaseError(driverError({ code: "42P01" }))],
    ["a broken check", new DatabaseError(driverError({ code: "23514" }))],
    ["a number out of range", driverError({ code: "22003" })],
    ["a model's own complaint", new ValidationError("no", [])],
    ["an error of JavaScript", new TypeError("x is not a function")],
    ["a refusal of a use case", emailTaken()],
    ["something that is no error", "nothing"],
    ["nothing", undefined],
  ])("%s", (_, error) => {
    expect(clientErrorOrFault(error, constraints)).toBe(error);
  });
});

describe("what leaves the database holds no values", () => {
  const secret = "ann@example.com";
  /** As pg makes it, and Sequelize completes it. */
  function fullError(code: string, message: string) {
    return Object.assign(new Error(message), {
      code,
      severity: "ERROR",
      table: "users",
      constraint: "users_pkey",
      detail: `Key (email_key)=(${secret}) already exists.`,
      where: `JSON data, line 1: {"email": "${secret}"`,
      internalQuery: `SELECT '${secret}'`,
      sql: `SELECT * FROM users WHERE email_key = '${secret}'`,
      parameters: [secret],
    });
  }
  const item = Object.assign(Object.create(ValidationErrorItem.prototype) as ValidationErrorItem, {
    message: "must be unique",
    path: "email",
    value: secret,
    instance: { email: secret },
  });

  test.each<[string, Error]>([
    ["a missing table", new DatabaseError(fullError("42P01", "there is no table"))],
    ["a broken check", new DatabaseError(fullError("23514", "the check is broken"))],
    [
      "a broken constraint",
      Object.assign(new UniqueConstraintError({ parent: fullError("23505", "duplicate key") }), {
        fields: { email_key: secret },
        errors: [item],
      }),
    ],
    [
      "data of another type",
      new DatabaseError(fullError("22P02", `invalid input syntax for type uuid: "${secret}"`)),
    ],
    ["the driver's own error", fullError("22003", `value "${secret}" is out of range`)],
  ])("%s", (_, error) => {
    expect(withoutValues(error)).toBe(error);
    const shown = inspect(error, { depth: 10, showHidden: true });
    expect(shown).not.toContain(secret);
    expect(JSON.stringify(error) + String(error)).not.toContain(secret);
    // What it takes to find the fault stays.
    expect(shown).toMatch(/code: '[0-9A-Z]{5}'/);
    expect(shown).toContain("users_pkey");
  });

  test("and neither does a model's complaint", () => {
    const error = new ValidationError("no", [item]);
    clientErrorOrFault(error, {});
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
  });
});

test("a server that dies while a connection opens fails the query, and not the process", async () => {
  const message = (type: string, content: string) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(content.length + 4);
    return Buffer.concat([Buffer.from(type), length, Buffer.from(content, "latin1")]);
  };
  // All at once: that the connection is open, and that it is not any more.
  const opened = [message("R", "\0\0\0\0"), message("Z", "I")];
  const died = message("E", "SFATAL\0C57P01\0Mterminating connection\0\0");
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(Buffer.concat([...opened, died])));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const sequelize = openSequelize(`postgres://shop@127.0.0.1:${port}/shop`, 1);
  try {
    await expect(sequelize.query("SELECT 1")).rejects.toThrow();
  } finally {
    await sequelize.close();
    server.close();
  }
});
