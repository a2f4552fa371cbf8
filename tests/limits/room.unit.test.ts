import { expect, test } from "@jest/globals";
import { Room } from "../../services/api/limits/room.ts";

test("a room tells which limit further work exceeds by waiting", async () => {
  const room = new Room({ perAddress: 1, inAll: 2 }, { perAddress: 2, inAll: 3 });
  const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
  const works: Promise<unknown>[] = [];
  const begin = (address: string) => works.push(room.within(address, 1, () => ended));
  for (const address of ["a", "a"]) begin(address);
  expect(room.excess("a")).toBeUndefined();
  begin("a");
  expect(room.excess("a")).toBe("address");
  expect(room.excess("b")).toBeUndefined();
  for (const address of ["b", "b"]) begin(address);
  expect(room.excess("b")).toBe("gateway");
  end(undefined);
  await Promise.all(works);
  expect(room.excess("a")).toBeUndefined();
});

test("larger work than an address may have takes all that it may have", async () => {
  const room = new Room({ perAddress: 2, inAll: 4 });
  const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
  const begun: string[] = [];
  const works = [
    ["a", 100],
    ["a", 1],
    ["b", 1],
  ].map(([address, size]) =>
    room.within(address as string, size as number, () => {
      begun.push(address as string);
      return ended;
    }),
  );
  await new Promise(setImmediate);
  expect(begun).toEqual(["a", "b"]);
  end(undefined);
  await Promise.all(works);
  expect(begun).toEqual(["a", "b", "a"]);
});
