/** The kinds of faults, with their descriptions for `--help`. */
export const faultKinds = {
  kill: "SIGKILL of a node, which is restarted",
  pause: "SIGSTOP of a node, and SIGCONT later",
  "kill-at-step": "SIGKILL of a node between two steps of placing an order",
  "pause-at-step": "SIGSTOP of a node between two steps of placing an order",
  "postgres-at-step":
    "PostgreSQL crashed (SIGKILL of one of its processes) while a node is stopped between two steps",
  postgres: "PostgreSQL crashed (SIGQUIT) and restarted",
  nats: "nats-server killed and restarted later",
  "cut-nats": "connections of a node to NATS cut, new ones rejected for a while",
  "cut-postgres": "connections of a node to PostgreSQL cut, new ones rejected for a while",
  drop: "broker events dropped",
  double: "broker events duplicated",
  delay: "broker events delayed",
  reorder: "broker events reordered",
} as const;

export type FaultKind = keyof typeof faultKinds;

export const allFaultKinds = Object.keys(faultKinds) as FaultKind[];

/** The kinds during which a server that all nodes use is down. */
export const outageKinds: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "postgres",
  "postgres-at-step",
  "nats",
]);

/** The kinds that affect a share of the events for a while. */
export type EventFault = "drop" | "double" | "delay" | "reorder";
