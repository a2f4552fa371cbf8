import { describe, expect, test } from "@jest/globals";
import {
  CreateProductDocument,
  ShopError,
  UpdateInventoryDocument,
  type ShopErrorCode,
} from "../../clients/typescript/src/index.ts";
import { errorText } from "../../web/console/src/api/error-text.ts";
import { LostAnswer } from "../../web/console/src/api/lost-answer.ts";
import { MutationSender } from "../../web/console/src/api/mutation-sender.ts";

const increase = (number: number) => ({ input: { id: "mug", type: 1, number } });

/** Returns a sender whose requests fail with these codes, one after the other, and then succeed. */
function senderWith(...codes: ShopErrorCode[]) {
  const keys: string[] = [];
  const session = { userId: "ann" };
  const network = { isOffline: false };
  const sender = new MutationSender({
    assertReachable() {
      if (!network.isOffline) return Promise.resolve();
      return Promise.reject(new ShopError("NETWORK_ERROR", "Message"));
    },
    execute(_document, _variables, idempotencyKey) {
      keys.push(idempotencyKey);
      const code = codes.shift();
      if (code !== undefined) return Promise.reject(new ShopError(code, "Message"));
      return Promise.resolve({} as never);
    },
    userId: () => session.userId,
  });
  const send = (number = 5) => sender.send(UpdateInventoryDocument, increase(number));
  return { sender, keys, session, network, send };
}

describe("a mutation that is sent again", () => {
  test.each<ShopErrorCode>([
    "NETWORK_ERROR",
    "TIMEOUT",
    "INVALID_RESPONSE",
    "SERVICE_UNAVAILABLE",
    "INTERNAL_SERVER_ERROR",
    "IDEMPOTENCY_IN_PROGRESS",
    "TOO_MANY_REQUESTS",
    "UNAUTHENTICATED",
  ])("has the same key after %s, until its outcome is known", async (code) => {
    const { keys, send } = senderWith(code, code);
    await expect(send()).rejects.toThrow(LostAnswer);
    await expect(send()).rejects.toThrow(LostAnswer);
    await send();
    await send();
    const [first, , third, fourth] = keys;
    expect(new Set(keys.slice(0, 3))).toEqual(new Set([first]));
    expect(fourth).not.toBe(third);
  });

  test("has a new key after a rejection", async () => {
    const { keys, send } = senderWith("INSUFFICIENT_STOCK");
    const error: unknown = await send().catch((reason: unknown) => reason);
    expect(error).not.toBeInstanceOf(LostAnswer);
    await send();
    expect(new Set(keys).size).toBe(2);
  });

  test("has a new key with other variables, as another mutation, and of another user", async () => {
    const { sender, keys, session, send } = senderWith(...Array<"TIMEOUT">(4).fill("TIMEOUT"));
    await expect(send(5)).rejects.toThrow(LostAnswer);
    await expect(send(6)).rejects.toThrow(LostAnswer);
    const product = { name: "Mug", description: "", price: 500, stock: 1 };
    await expect(sender.send(CreateProductDocument, { input: product })).rejects.toThrow();
    await expect(send(6)).rejects.toThrow(LostAnswer);
    session.userId = "ben";
    await send(6);
    expect(new Set(keys).size).toBe(5);
  });
});

test("a mutation without a network is not sent, and not lost; one that was lost before stays lost", async () => {
  const { keys, network, send } = senderWith("TIMEOUT");
  network.isOffline = true;
  const error: unknown = await send().catch((reason: unknown) => reason);
  expect(error).not.toBeInstanceOf(LostAnswer);
  expect(keys).toEqual([]);
  network.isOffline = false;
  await expect(send()).rejects.toThrow(LostAnswer);
  network.isOffline = true;
  await send();
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
});

test("only after an unknown outcome, a mutation can be repeated without a second effect", async () => {
  const textAfter = async (code: ShopErrorCode) =>
    errorText(
      await senderWith(code)
        .send()
        .catch((reason: unknown) => reason),
    );
  expect(await textAfter("TIMEOUT")).toBe(
    "The shop did not answer in time. Your request may have taken effect. It is safe to repeat it unchanged: it takes effect only once.",
  );
  expect(await textAfter("UNAUTHENTICATED")).toBe("Sign in to do this.");
  expect(errorText(new ShopError("TIMEOUT", ""))).toBe(
    "The shop did not answer in time. Try again.",
  );
});
