import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { expect, test } from "@jest/globals";
import { listen } from "../../core/network/listen.ts";

test("an address on which the system does not listen is named with a solution", async () => {
  const error = Object.assign(new Error("listen EINVAL: invalid argument"), { code: "EINVAL" });
  const server = Object.assign(new EventEmitter(), {
    listen() {
      process.nextTick(() => server.emit("error", error));
    },
  });
  await expect(listen(server as unknown as Server, 8_080, "fe80::1")).rejects.toMatchObject({
    name: "ListenError",
    message:
      "Cannot listen on HOST fe80::1 and port 8080 (listen EINVAL: invalid argument); set another HOST, for example HOST=127.0.0.1.",
  });
});
