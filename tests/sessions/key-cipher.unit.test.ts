import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { KeyCipher } from "../../services/users/sessions/key-cipher.ts";

const pem = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n";
const kid = randomUUID();
const cipher = () => new KeyCipher("a-long-random-secret");

test("a sealed key says its version, shows nothing, and opens with the secret that sealed it", async () => {
  const sealed = await cipher().seal(kid, pem);
  expect(sealed).toMatch(/^v1\.[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(Buffer.from(sealed.split(".")[3] ?? "", "base64url").toString("latin1")).not.toMatch(
    /KEY/,
  );
  expect(await cipher().open(kid, sealed)).toBe(pem);
  expect(cipher().isAsWanted(sealed)).toBe(true);
});

test("the same key is sealed differently each time", async () => {
  const one = cipher();
  expect(await one.seal(kid, pem)).not.toBe(await one.seal(kid, pem));
});

test("another secret is told in a sentence, and so is none", async () => {
  const sealed = await cipher().seal(kid, pem);
  const refusals = { "another-long-secret": /is not the one/, "": /is not set/ };
  for (const [secret, message] of Object.entries(refusals)) {
    const opening = new KeyCipher(secret === "" ? undefined : secret).open(kid, sealed);
    await expect(opening).rejects.toMatchObject({
      name: "ConfigError",
      message: expect.stringMatching(message),
    });
  }
});

test("what was changed, or stands in another key's place, does not open", async () => {
  const sealed = await cipher().seal(kid, pem);
  await expect(cipher().open(randomUUID(), sealed)).rejects.toThrow();
  const parts = sealed.split(".");
  for (const part of [1, 2, 3]) {
    const bytes = Buffer.from(parts[part] ?? "", "base64url");
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    const changed = parts.with(part, bytes.toString("base64url")).join(".");
    await expect(cipher().open(kid, changed)).rejects.toThrow();
  }
  for (const odd of ["v1.", "v1.a.b.c", sealed.slice(0, 40), sealed.slice(0, -30)]) {
    await expect(cipher().open(kid, odd)).rejects.toThrow();
  }
});

test("a key in plain is read as it is, and is to be sealed only where there is a secret", async () => {
  for (const one of [cipher(), new KeyCipher(undefined)]) {
    expect(await one.open(kid, pem)).toBe(pem);
  }
  expect(cipher().isAsWanted(pem)).toBe(false);
  expect(new KeyCipher(undefined).isAsWanted(pem)).toBe(true);
  expect(await new KeyCipher(undefined).seal(kid, pem)).toBe(pem);
});
