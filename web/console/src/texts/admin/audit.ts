import { titles } from "../titles.ts";
import type {
  AuditAction,
  AuditActorKind,
} from "../../../../../clients/typescript/src/generated/schema.ts";

/** The texts of the audit trail. */
export const auditTexts = {
  title: titles.auditTrail,
  trail: "Trail of",
  trails: { users: "Users", products: "Products", webhooks: "Webhooks" },
  action: "What",
  outcome: "Outcome",
  outcomes: { all: "All", ok: "Successful", rejected: "Rejected" },
  entriesOf: (id: string) => `All of …${id}`,
  kind: "Kind of actor",
  actor: "Who",
  subject: "Affected",
  nameHint: "Name or id",
  idHint: "Id",
  tooMany: "More than 50 match. Enter more of the name.",
  from: "From",
  before: "Before",
  when: "When",
  detail: "Details",
  rejectedWith: (code: string) => `Rejected (${code})`,
  yes: "Yes",
  no: "No",
  none: "None",
  emptyTitle: "There are no entries yet",
};

export const actorKindTexts: Record<AuditActorKind, string> = {
  anonymous: "Not signed in",
  user: "User",
  operator: "Operator",
  UNKNOWN: "Unknown",
};

/** An action, or what a signed-in user has done who entered a wrong current password. */
export type AuditKind = AuditAction | "OWN_LOGIN_REFUSED" | "OWN_LOGIN_THROTTLED";

export const auditKindTexts: Record<AuditKind, string> = {
  ACCESS_REFUSED: "Access refused",
  REGISTERED: "Registered",
  LOGGED_IN: "Signed in",
  LOGIN_REFUSED: "Sign-in refused",
  LOGIN_THROTTLED: "Sign-in limited",
  OWN_LOGIN_REFUSED: "Current password refused",
  OWN_LOGIN_THROTTLED: "Current password limited",
  REFRESH_REUSED: "Refresh token reused",
  LOGGED_OUT: "Signed out",
  PASSWORD_CHANGED: "Password changed",
  TYPE_CHANGED: "Role changed",
  RIGHTS_CHANGED: "Rights changed",
  PROFILE_CHANGED: "Profile changed",
  RESET_CREATED: "Reset token created",
  RESET_REFUSED: "Reset refused",
  PASSWORD_RESET: "Password reset",
  ERASED: "Personal data erased",
  KEYS_ROTATED: "Signing key rotated",
  PRODUCT_CREATED: "Product created",
  PRODUCT_UPDATED: "Product changed",
  STOCK_ADDED: "Stock added",
  STOCK_SUBTRACTED: "Stock subtracted",
  PRODUCT_DELETED: "Product deleted",
  STOCK_SET: "Stock set",
  STOCK_COUNTED: "Stock counted",
  DEAD_LETTER_DISCARDED: "Dead letter discarded",
  WEBHOOK_CREATED: "Webhook created",
  WEBHOOK_UPDATED: "Webhook changed",
  WEBHOOK_DELETED: "Webhook deleted",
  WEBHOOK_SECRET_ROTATED: "Secret replaced",
  WEBHOOK_REDRIVEN: "Dead letters sent again",
  WEBHOOK_DISABLED: "Webhook turned off",
  UNKNOWN: "Unknown",
};

/** Why an attempt was rejected, by the code of its error. */
export const rejectionTexts: Partial<Record<string, string>> = {
  INVALID_CREDENTIALS: "Wrong password",
  TOO_MANY_REQUESTS: "Too many tries",
  FORBIDDEN: "No right",
  UNAUTHENTICATED: "Not signed in",
  INVALID_RESET_TOKEN: "Wrong token",
};

/** The names of the details of entries. */
export const auditDetailTexts: Partial<Record<string, string>> = {
  action: "Action",
  change: "Change",
  description: "Description",
  email: "Email",
  event: "Id of the event",
  events: "Events",
  everywhere: "All sessions",
  enabled: "Active",
  from: "Before",
  kid: "Key",
  name: "Name",
  number: "Pieces",
  onHand: "Counted",
  origin: "Endpoint",
  position: "Position",
  price: "Price",
  producer: "Service",
  redriven: "Dead letters",
  revoke: "Other keys deleted",
  session: "Session",
  sku: "SKU",
  stock: "Stock",
  stockBefore: "Stock before",
  to: "After",
  type: "Event",
  username: "Name",
  version: "Version",
};
