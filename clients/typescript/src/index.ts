export * from "./generated/operations.ts";
export type * as Schema from "./generated/schema.ts";
export type { ErrorCode } from "./generated/schema.ts";
export type { ConnectionPage } from "./connections.ts";
export type { TypedDocument } from "./operation.ts";
export type { RetryPolicy } from "./retries.ts";
export {
  ShopClient,
  type Arguments,
  type RequestOptions,
  type ShopClientOptions,
  type SubscriptionOptions,
} from "./shop-client.ts";
export {
  isShopError,
  ShopError,
  type DetailsOf,
  type ErrorDetails,
  type FieldError,
  type ResponseError,
  type ShopErrorCode,
  type TransportErrorCode,
} from "./shop-error.ts";
export {
  memoryTokenStore,
  webTokenStore,
  type StoredSession,
  type TextStorage,
  type TokenStore,
} from "./token-store.ts";
