import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import {
  assertOtherThanPassword,
  assertUncommon,
} from "../../services/users/passwords/password-rules.ts";

const file = new URL("../../services/users/passwords/common-passwords.txt", import.meta.url);
const listed = readFileSync(file, "utf8").trimEnd().split("\n");
const ann = { email: "ann.lee@example.com", username: "Annabel Lee" };

/** Returns the message that a password is rejected with, or undefined. */
function rejectionOf(password: string, field = "password"): string | undefined {
  try {
    assertUncommon(password, ann, field);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ type: "BAD_USER_INPUT", data: { fields: [{ field }] } });
    return (error as Error).message;
  }
}

describe("the list of common passwords", () => {
  test("has 10,000 different passwords of valid length", () => {
    expect(new Set(listed).size).toBe(10_000);
    expect(listed).toHaveLength(10_000);
    expect(listed.filter((password) => !/^.{8,128}$/u.test(password))).toEqual([]);
    expect(listed[0]).toBe("password");
  });

  test("is rejected entirely", () => {
    const accepted = listed.filter(
      (password) => rejectionOf(password)?.includes("most common passwords") !== true,
    );
    expect(accepted).toEqual([]);
  });
});

test.each(["PASSWORD", "PassWord", "ｐａｓｓｗｏｒｄ", "12345678", "１２３４５６７８"])(
  "a common password is rejected in any case and width: %s",
  (password) => {
    expect(rejectionOf(password, "newPassword")).toBe(
      "The 'newPassword' is one of the most common passwords; choose another one.",
    );
  },
);

test.each([
  "ann.lee@example.com",
  "ANN.LEE@EXAMPLE.COM",
  "Ann.Lee",
  "annabel lee",
  "ＡＮＮＡＢＥＬ lee",
])("a password that equals the email or name is rejected: %s", (password) => {
  expect(rejectionOf(password)).toBe(
    "The 'password' is the account's email or name; choose another one.",
  );
});

test.each([
  "correct horse",
  "Annabel Leer",
  "ann.lee@example.org",
  "password of mine",
  "example.com",
])("another password is accepted: %s", (password) => {
  expect(rejectionOf(password)).toBeUndefined();
});

test.each([
  [{ email: "ANN.LEE@example.com" }, "ann.lee@example.com", "email"],
  [{ email: "Ann.Lee1@example.com" }, "ann.lee1", "email"],
  [{ username: "ann.lee1" }, "Ann.Lee1", "username"],
])("a new name that is the password is rejected: %o for %s", (names, password, field) => {
  const error = expect.objectContaining({
    type: "BAD_USER_INPUT",
    message: `The '${field}' is the account's password; choose another one.`,
  });
  expect(() => {
    assertOtherThanPassword(password, names);
  }).toThrow(error);
});

test("other new names are accepted", () => {
  expect(() => {
    assertOtherThanPassword("correct horse", ann);
    assertOtherThanPassword("correct horse", {});
  }).not.toThrow();
});
