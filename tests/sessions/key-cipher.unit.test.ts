import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { KeyCipher } from "../../config/key-cipher.ts";

const pem = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n";
const kid = randomUUID();
const keys = { name: "the test keys", remedy: "make new ones" };
const cipher = () => new KeyCipher("a-long-random-secret", keys);

test("an encrypted key has a version and opens with its secret", async () => {
  const sealed = await cipher().seal(kid, pem);
  expect(sealed).toMatch(/^v1\.[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(Buffer.from(sealed.split(".")[3] ?? "", "base64url").toString("latin1")).not.toMatch(
    /KEY/,
  );
  expect(await cipher().open(kid, sealed)).toBe(pem);
  expect(cipher().isUpToDate(sealed)).toBe(true);
});

test("the same key is encrypted differently each time", async () => {
  const keyCipher = cipher();
  expect(await keyCipher.seal(kid, pem)).not.toBe(await keyCipher.seal(kid, pem));
});

test("a wrong or missing secret throws a ConfigError", async () => {
  const sealed = await cipher().seal(kid, pem);
  const messages = { "another-long-secret": /is not the one/, "": /is not set/ };
  for (const [secret, message] of Object.entries(messages)) {
    const opening = new KeyCipher(secret === "" ? undefined : secret, keys).open(kid, sealed);
    await expect(opening).rejects.toMatchObject({
      name: "ConfigError",
      message: expect.stringMatching(message),
    });
  }
});

test("a changed key, or the key of another kid, does not open", async () => {
  const sealed = await cipher().seal(kid, pem);
  await expect(cipher().open(randomUUID(), sealed)).rejects.toThrow();
  const parts = sealed.split(".");
  for (const part of [1, 2, 3]) {
    const bytes = Buffer.from(parts[part] ?? "", "base64url");
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    const changed = parts.with(part, bytes.toString("base64url")).join(".");
    await expect(cipher().open(kid, changed)).rejects.toThrow();
  }
  for (const malformed of ["v1.", "v1.a.b.c", sealed.slice(0, 40), sealed.slice(0, -30)]) {
    await expect(cipher().open(kid, malformed)).rejects.toThrow();
  }
});

test("a plain key is read unchanged, and needs encryption only with a secret", async () => {
  for (const keyCipher of [cipher(), new KeyCipher(undefined, keys)]) {
    expect(await keyCipher.open(kid, pem)).toBe(pem);
  }
  expect(cipher().isUpToDate(pem)).toBe(false);
  expect(new KeyCipher(undefined, keys).isUpToDate(pem)).toBe(true);
  expect(await new KeyCipher(undefined, keys).seal(kid, pem)).toBe(pem);
});
