import { connect } from "node:net";

/**
 * A program that sends the request in its third argument over many connections, pipelined and as
 * fast as the server reads, and reads no response. It replaces each connection that is closed.
 */
const [port, connections, request = ""] = process.argv.slice(2);
const requests = Buffer.from(request.repeat(1_000));
const reconnectMs = 20;

function dial(): void {
  const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress: "127.0.0.2" });
  const send = () => {
    while (!socket.destroyed && socket.write(requests));
  };
  socket.on("connect", send).on("drain", send);
  socket.on("error", () => undefined);
  socket.on("close", () => setTimeout(dial, reconnectMs));
}

for (let count = 0; count < Number(connections); count += 1) dial();
