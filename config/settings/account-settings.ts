import { emailPattern } from "../../core/email.ts";
import type { Setting } from "./setting.ts";

/** The default of LOG_LEVEL for a single process, whose terminal a person reads, and for a node. */
export const logLevels = { singleProcess: "warn", clusterNode: "info" } as const;

export const authorization = {
  ALLOW_FIRST_ADMIN: {
    type: "flag",
    default: true,
    description: "Lets everyone register an admin while there is none.",
  },
  ADMIN_EMAIL: {
    type: "text",
    pattern: emailPattern,
    requirement: "be an email address",
    example: "admin@example.com",
    description:
      "Registers an admin with this email at start if there is no admin; only together with ADMIN_PASSWORD.",
  },
  ADMIN_PASSWORD: {
    type: "text",
    minLength: 8,
    maxLength: 128,
    example: "a-long-secret",
    description: "The password of ADMIN_EMAIL.",
  },
  PUBLIC_READS: {
    type: "flag",
    default: false,
    description: "Lets everyone read users and orders.",
  },
  TOKEN_TTL_SECONDS: {
    type: "integer",
    min: 1,
    max: 31_536_000,
    default: 900,
    description:
      "Lifetime of an access token, in seconds. Clients that never refresh it have to sign in again after this time.",
  },
  REFRESH_TTL_SECONDS: {
    type: "integer",
    min: 1,
    max: 31_536_000,
    default: 2_592_000,
    description:
      "Lifetime of a session with refreshed tokens, in seconds from the login. The default is 30 days.",
  },
  KEY_ENCRYPTION_SECRET: {
    type: "text",
    minLength: 16,
    example: "a-long-random-secret",
    description:
      "Encrypts the private signing keys in the users database and the secrets in the webhooks database; set it on the nodes of both services. Existing keys are encrypted at the next start; without the secret they are unusable.",
  },
  KEY_ROTATION_DAYS: {
    type: "integer",
    min: 1,
    max: 3_650,
    default: 90,
    description: "Age in days at which the signing key is replaced.",
  },
  AUDIT_KEEP_DAYS: {
    type: "integer",
    min: 1,
    max: 36_500,
    default: 365,
    description: "Retention of the audit trails of users, products and webhooks, in days.",
  },
} as const satisfies Record<string, Setting>;

export const webhooks = {
  WEBHOOK_ALLOW_HTTP: {
    type: "flag",
    default: false,
    description: "Accepts webhook URLs with http, which is not encrypted.",
  },
  WEBHOOK_ALLOW_PRIVATE: {
    type: "flag",
    default: false,
    description:
      "Sends webhooks also to addresses that are not public, such as private and loopback ones. Every admin can then send requests into the network of the shop.",
  },
  WEBHOOK_KEEP_DAYS: {
    type: "integer",
    min: 1,
    max: 365,
    default: 30,
    description: "Retention of delivered webhooks and of dead letters of webhooks, in days.",
  },
} as const satisfies Record<string, Setting>;

export const logs = {
  LOG_LEVEL: {
    type: "choice",
    values: ["fatal", "error", "warn", "info", "debug", "trace"],
    example: logLevels.singleProcess,
    defaultInWords: `${logLevels.singleProcess} for npm start, ${logLevels.clusterNode} for npm run serve`,
    description: "The least severe level that is logged.",
  },
  LOG_FORMAT: {
    type: "choice",
    values: ["pretty", "json", "short", "full"],
    example: "json",
    defaultInWords: "pretty on a terminal, json otherwise",
    description:
      "The format of log lines: text for people, or one JSON object per line. short and full, the formats of version 1.0, are the same as pretty.",
  },
} as const satisfies Record<string, Setting>;
