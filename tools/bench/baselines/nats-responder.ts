import { connect } from "nats";

/**
 * The floor of a call between two nodes: a process that answers each request over NATS with what
 * was sent. Its setting: NATS_URL.
 */
const nats = await connect({ servers: process.env.NATS_URL ?? "" });
nats.subscribe("floor.request", {
  callback: (error, message) => {
    if (error) throw error;
    message.respond(message.data);
  },
});
await nats.flush();
process.send?.("listening");
