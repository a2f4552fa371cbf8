import { expect, jest, test } from "@jest/globals";
import pgConnectionString from "pg-connection-string";
import { parsePostgresUrl } from "../../core/network/postgres-url.ts";

test.each([
  "postgres://u:p%40%2F@h:5433/x?sslmode=verify-full",
  "postgres://u:p@h/x?sslmode=no-verify&application_name=a%20b",
  "postgres://u:p@h/x?sslmode=disable&options=-c%20search_path%3Done%2Ctwo",
  "postgres://u@h/x?sslmode=require&uselibpqcompat=true",
  "postgres:///x?host=/run/postgresql&port=5433",
])("%s has the parts that the driver reads", (url) => {
  expect(parsePostgresUrl(url)).toEqual(pgConnectionString.parse(url));
});

test.each(["prefer", "require", "verify-ca"])(
  "sslmode=%s verifies the server as verify-full does, without a warning",
  (mode) => {
    const emitWarning = jest.spyOn(process, "emitWarning").mockReturnValue();
    const rest = "options=-c%20a%3Db&port=5433";
    const { sslmode, ...parts } = parsePostgresUrl(`postgres://u:p%25@h/x?sslmode=${mode}&${rest}`);
    expect(sslmode).toBe("verify-full");
    expect(parts).toEqual({
      user: "u",
      password: "p%",
      host: "h",
      port: "5433",
      database: "x",
      options: "-c a=b",
      ssl: {},
    });
    expect(emitWarning).not.toHaveBeenCalled();
    emitWarning.mockRestore();
  },
);
