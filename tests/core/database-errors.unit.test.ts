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
import {
  clientErrorOrFault,
  isDiskFault,
  isUndone,
  withoutValues,
} from "../../database/errors/database-errors.ts";

/** Makes an error as the driver throws it, with a SQLSTATE or the code of a socket error. */
function driverError(properties: { code?: string; constraint?: string }, message = "driver") {
  return Object.assign(new Error(message), { sql: "SELECT 1", ...properties });
}

const emailTaken = () => new ClientError(userErrors.EMAIL_TAKEN, "Another account has this email.");
const constraints = { users_email_key_unique: emailTaken };

const unavailable = { type: "SERVICE_UNAVAILABLE", retryable: true };

describe("a constraint violation", () => {
  const violation = driverError({ code: "23505", constraint: "users_email_key_unique" });

  test("becomes the client error that the service defines for the constraint", () => {
    const unique = new UniqueConstraintError({ parent: violation });
    expect(clientErrorOrFault(unique, constraints)).toMatchObject({ type: "EMAIL_TAKEN" });
    const foreignKey = new ForeignKeyConstraintError({ parent: violation });
    expect(clientErrorOrFault(foreignKey, constraints)).toMatchObject({ type: "EMAIL_TAKEN" });
  });

  test("stays a fault if the service defines no client error for the constraint", () => {
    const error = new UniqueConstraintError({
      parent: driverError({ code: "23505", constraint: "orders_pkey" }),
    });
    expect(clientErrorOrFault(error, constraints)).toBe(error);
    expect(clientErrorOrFault(error, {})).toBe(error);
  });

  test("stays a fault if the driver does not name the constraint", () => {
    const error = new UniqueConstraintError({ parent: driverError({ code: "23505" }) });
    expect(clientErrorOrFault(error, constraints)).toBe(error);
  });
});

describe("an unavailable database", () => {
  test.each<[string, Error]>([
    ["refuses connections", new ConnectionRefusedError(driverError({ code: "ECONNREFUSED" }))],
    ["has an unknown host", new HostNotFoundError(driverError({ code: "ENOTFOUND" }))],
    ["has no free connection", new ConnectionAcquireTimeoutError(driverError({}))],
    ["ends a connection during a query", driverError({}, "Connection terminated unexpectedly")],
    ["ended the connection earlier", driverError({}, "Client was closed and is not queryable")],
    ["resets the connection", driverError({ code: "ECONNRESET" })],
    ["stops reading", driverError({ code: "EPIPE" })],
    ["has no socket file", driverError({ code: "ENOENT" })],
  ])("is reported as SERVICE_UNAVAILABLE if it %s", (_, error) => {
    expect(clientErrorOrFault(error, {})).toMatchObject({ ...unavailable, cause: error });
  });

  test.each([
    ["08006", "a connection failure"],
    ["53300", "too many connections"],
    ["53100", "a full disk"],
    ["25006", "a read-only database"],
    ["58030", "a fault of the disk"],
    ["57P01", "a shutdown"],
    ["57P03", "a starting server"],
    ["57014", "a statement timeout"],
    ["40001", "a serialization failure"],
    ["40P01", "a deadlock"],
  ])("is reported as SERVICE_UNAVAILABLE for SQLSTATE %s (%s)", (code) => {
    for (const error of [driverError({ code }), new DatabaseError(driverError({ code }))]) {
      expect(clientErrorOrFault(error, {})).toMatchObject({ ...unavailable, cause: error });
    }
  });

  test.each([
    ["25006", "cannot execute INSERT in a read-only transaction", false],
    ["53100", "could not extend file: No space left on device", true],
    ["42501", 'could not extend file "base/1": Read-only file system', true],
  ])("is reported as one that refuses writes for SQLSTATE %s (%s)", (code, text, isFault) => {
    const error = new DatabaseError(driverError({ code }, text));
    expect(isDiskFault(error)).toBe(isFault);
    expect(clientErrorOrFault(error, {})).toMatchObject({
      ...unavailable,
      message: "The database accepts no changes at the moment. Try again later.",
    });
  });

  test("is reported without the database's own message", () => {
    const error = driverError({ code: "08006" }, "server db-7.internal closed the connection");
    expect(clientErrorOrFault(error, {})).toMatchObject({
      message: "The database is unavailable. Try again later.",
    });
  });
});

test("a query of a stopping service becomes SERVICE_UNAVAILABLE", async () => {
  const sequelize = openSequelize("postgres://127.0.0.1:1/none", 1);
  await sequelize.close();
  const fault: unknown = await sequelize.query("SELECT 1").catch((error: unknown) => error);
  expect(clientErrorOrFault(fault, {})).toMatchObject({ ...unavailable, cause: fault });
  const draining = new Error("pool is draining and cannot accept work");
  expect(clientErrorOrFault(draining, {})).toMatchObject(unavailable);
});

describe("clientErrorOrFault returns unchanged", () => {
  test.each([
    ["a syntax error", new DatabaseError(driverError({ code: "42601" }))],
    [
      "a missing permission",
      new DatabaseError(driverError({ code: "42501" }, "permission denied")),
    ],
    ["a missing table", new DatabaseError(driverError({ code: "42P01" }))],
    ["a violated check", new DatabaseError(driverError({ code: "23514" }))],
    ["a number out of range", driverError({ code: "22003" })],
    ["a model's validation error", new ValidationError("no", [])],
    ["a JavaScript error", new TypeError("x is not a function")],
    ["a client error of a use case", emailTaken()],
    ["a string", "nothing"],
    ["undefined", undefined],
  ])("%s", (_, error) => {
    expect(clientErrorOrFault(error, constraints)).toBe(error);
  });
});

describe("withoutValues removes all values from", () => {
  const secret = "ann@example.com";
  /** Makes an error with all fields that pg and Sequelize set. */
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
    ["a violated check", new DatabaseError(fullError("23514", "the check is violated"))],
    [
      "a violated constraint",
      Object.assign(new UniqueConstraintError({ parent: fullError("23505", "duplicate key") }), {
        fields: { email_key: secret },
        errors: [item],
      }),
    ],
    [
      "an error about the type of data",
      new DatabaseError(fullError("22P02", `invalid input syntax for type uuid: "${secret}"`)),
    ],
    ["a driver error", fullError("22003", `value "${secret}" is out of range`)],
  ])("%s", (_, error) => {
    expect(withoutValues(error)).toBe(error);
    const shown = inspect(error, { depth: 10, showHidden: true });
    expect(shown).not.toContain(secret);
    expect(JSON.stringify(error) + String(error)).not.toContain(secret);
    // The SQLSTATE and the name of the constraint stay for diagnosis.
    expect(shown).toMatch(/code: '[0-9A-Z]{5}'/);
    expect(shown).toContain("users_pkey");
  });

  test.each([
    ["", ""],
    ["42P01", 'relation "orders" does not exist'],
    ["22P02", 'invalid input syntax for type uuid: "…"'],
  ])(
    "the stack of an error with the SQLSTATE %j, which begins with its message",
    (code, expected) => {
      const quoted = `${secret}\n    at ${secret}`;
      const message = expected.replace("…", quoted);
      // Sequelize takes the stack from before the statement.
      for (const stack of [new Error("").stack, new Error(message).stack]) {
        const parent = fullError(code, message);
        const error = withoutValues(new DatabaseError(parent, { stack: stack ?? "" })) as Error;
        const [first, frame] = (error.stack ?? "").split("\n");
        expect(first).toBe(`SequelizeDatabaseError: ${expected}`);
        expect(frame).toMatch(/^ {4}at .*database-errors/);
        expect(error.stack).not.toContain(secret);
        expect(withoutValues(error)).toBe(error);
        expect(error.stack?.split("\n")[0]).toBe(first);
      }
    },
  );

  test("a model's validation error", () => {
    const error = new ValidationError("no", [item]);
    clientErrorOrFault(error, {});
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
  });
});

test("a server that ends a connection while it opens fails the query, not the process", async () => {
  const message = (type: string, content: string) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(content.length + 4);
    return Buffer.concat([Buffer.from(type), length, Buffer.from(content, "latin1")]);
  };
  // One chunk reports the open connection and its end.
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

describe("a transaction", () => {
  const unsent = "Client has encountered a connection error and is not queryable";
  const lost = "Connection terminated unexpectedly";
  /** Makes the error of a SQLSTATE, a code of a socket or a message. */
  const errorsOf = (reason: string) => {
    const error = reason.includes(" ") ? driverError({}, reason) : driverError({ code: reason });
    return [error, new DatabaseError(error)];
  };

  test.each([unsent, "25P03", "40001", "40P01"])(
    "was undone by %s, also at its COMMIT",
    (reason) => {
      for (const error of errorsOf(reason)) {
        expect([isUndone(error, false), isUndone(error, true)]).toEqual([true, true]);
      }
    },
  );

  test.each([lost, "ECONNRESET", "57P01", "57P02", "57P03", "08006", "55P03"])(
    "was undone by %s, if this came before its COMMIT",
    (reason) => {
      for (const error of errorsOf(reason)) {
        expect([isUndone(error, false), isUndone(error, true)]).toEqual([true, false]);
      }
    },
  );

  test.each(["57014", "23505", "22003", "53100"])("cannot succeed again after %s", (reason) => {
    for (const error of errorsOf(reason)) expect(isUndone(error, false)).toBe(false);
  });
});
