import { EventEmitter } from "node:events";
import { createServer, type Server } from "node:http";
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

test.each(["224.0.0.1", "239.255.255.255", "255.255.255.255", "0xE0000001"])(
  "%s is no address of the machine, although Linux listens on it",
  async (host) => {
    const server = createServer();
    await expect(listen(server, 0, host)).rejects.toMatchObject({
      name: "ListenError",
      message: `HOST ${host} is no address of this machine; for example HOST=127.0.0.1.`,
    });
    expect(server.listening).toBe(false);
  },
);
