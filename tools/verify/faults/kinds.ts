/** Everything that can be done to the shop, and what it is. */
export const faultKinds = {
  kill: "SIGKILL of a node, which is started again",
  pause: "SIGSTOP of a node, and SIGCONT later",
  "kill-at-step": "SIGKILL of a node between two steps of placing an order",
  "pause-at-step": "SIGSTOP of a node between two steps of placing an order",
  postgres: "PostgreSQL stopped at once, with its connections",
  nats: "nats-server killed, and started again later",
  "cut-nats": "connections to NATS cut, and refused for a while",
  "cut-postgres": "connections to PostgreSQL cut, and refused for a while",
  drop: "broker events dropped",
  double: "broker events sent twice",
  delay: "broker events held back",
  reorder: "broker events overtaken by later ones",
} as const;

export type FaultKind = keyof typeof faultKinds;

export const allFaultKinds = Object.keys(faultKinds) as FaultKind[];

/** What happens to events on their way, which goes on for a while. */
export type EventFault = "drop" | "double" | "delay" | "reorder";
