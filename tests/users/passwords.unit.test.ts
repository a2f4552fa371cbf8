import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { assertUncommon } from "../../services/users/passwords/password-rules.ts";

const file = new URL("../../services/users/passwords/common-passwords.txt", import.meta.url);
const listed = readFileSync(file, "utf8").trimEnd().split("\n");
const ann = { email: "ann.lee@example.com", username: "Annabel Lee" };

/** The sentence that a password is refused with, if it is. */
function refusalOf(password: string, field = "password"): string | undefined {
  try {
    assertUncommon(password, ann, field);
    return undefined;
  } catch (refusal) {
    expect(refusal).toMatchObject({ type: "BAD_USER_INPUT", data: { fields: [{ field }] } });
    return (refusal as Error).message;
  }
}

describe("the list of common passwords", () => {
  test("holds 10,000 different ones that the rules would take otherwise", () => {
    expect(new Set(listed).size).toBe(10_000);
    expect(listed).toHaveLength(10_000);
    expect(listed.filter((password) => !/^.{8,128}$/u.test(password))).toEqual([]);
    expect(listed[0]).toBe("password");
  });

  test("is refused as a whole", () => {
    const taken = listed.filter(
      (password) => refusalOf(password)?.includes("most common passwords") !== true,
    );
    expect(taken).toEqual([]);
  });
});

test.each(["PASSWORD", "PassWord", "ｐａｓｓｗｏｒｄ", "12345678", "１２３４５６７８"])(
  "a common password is refused however it is written: %s",
  (password) => {
    expect(refusalOf(password, "newPassword")).toBe(
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
])("what names the account is refused: %s", (password) => {
  expect(refusalOf(password)).toBe(
    "The 'password' is the account's email or name; choose another one.",
  );
});

test.each([
  "correct horse",
  "Annabel Leer",
  "ann.lee@example.org",
  "password of mine",
  "example.com",
])("others are taken: %s", (password) => {
  expect(refusalOf(password)).toBeUndefined();
});
