import { connect } from "nats";

/**
 * The baseline of a call between two nodes: a process that replies to each NATS request with the
 * received data. Setting: NATS_URL.
 */
const nats = await connect({ servers: process.env.NATS_URL ?? "" });
nats.subscribe("baseline.request", {
  callback: (error, message) => {
    if (error) throw error;
    message.respond(message.data);
  },
});
await nats.flush();
process.send?.("listening");
