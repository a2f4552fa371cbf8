import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { expect, test } from "@jest/globals";
import { hashPassword } from "../../services/users/passwords/password-hash.ts";

test("the threads that hash give way to everything else, and no others do", async () => {
  await hashPassword("correct horse");
  const threads = readdirSync("/proc/self/task").map((task) => ({
    name: readFileSync(`/proc/self/task/${task}/comm`, "utf8").trim(),
    niceness: getPriority(Number(task)),
  }));
  const [hashing, others] = [true, false].map((isPool) =>
    threads.filter(({ name }) => (name === "libuv-worker") === isPool),
  );
  const own = getPriority();
  expect(hashing?.length).toBeGreaterThanOrEqual(4);
  expect(new Set(hashing?.map(({ niceness }) => niceness))).toEqual(new Set([Math.max(10, own)]));
  expect(new Set(others?.map(({ niceness }) => niceness))).toEqual(new Set([own]));
});
