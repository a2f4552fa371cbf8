import type { ErrorCode } from "./generated/schema.ts";

/** Codes of failures without an answer of the shop. */
export type TransportErrorCode = "NETWORK_ERROR" | "TIMEOUT" | "INVALID_RESPONSE";

export type ShopErrorCode = ErrorCode | TransportErrorCode;

/** A broken rule of an input: the path of the field and what is wrong with it. */
export interface FieldError {
  field: string;
  message: string;
}

interface StockShortage {
  product_id: string;
  asked: number;
  left: number;
}

/** What the codes add to an error. */
export interface ErrorDetails {
  BAD_USER_INPUT: { fields: FieldError[] };
  PRODUCT_NOT_FOUND: { product_id?: string; sku?: string };
  OUT_OF_STOCK: StockShortage;
  PRICE_CHANGED: { product_id: string; expected: number; price: number };
  INSUFFICIENT_STOCK: StockShortage;
  VERSION_CONFLICT: { product_id: string; version: number };
  ORDER_NOT_CANCELLABLE: { status: string };
  ORDER_NOT_SHIPPABLE: { status: string };
  ORDER_NOT_COMPLETABLE: { status: string };
  TOO_MANY_REQUESTS: { retryAfter?: number };
  QUERY_TOO_COMPLEX: { limit: number; value?: number };
  INTERNAL_SERVER_ERROR: { traceId: string };
}

/** What a code adds to an error: an empty object for most codes. */
export type DetailsOf<Code> = Code extends keyof ErrorDetails ? ErrorDetails[Code] : object;

/** An error as it is in a response. */
export interface ResponseError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Record<string, unknown>;
}

interface ShopErrorOptions {
  details?: Record<string, unknown>;
  path?: readonly (string | number)[] | undefined;
  data?: unknown;
  errors?: readonly ResponseError[];
  cause?: unknown;
}

/**
 * A failed request. A service outside the shop can add codes that `ErrorCode` does not list;
 * `code` is then such a text.
 */
export class ShopError<Code extends ShopErrorCode = ShopErrorCode> extends Error {
  override readonly name = "ShopError";
  readonly code: Code;
  readonly details: DetailsOf<Code>;
  /** The field of the document that failed; undefined if the whole request failed. */
  readonly path: readonly (string | number)[] | undefined;
  /** The data of an answer in which only some fields failed. */
  readonly data: unknown;
  /** All errors of the answer; `code`, `message` and `path` are those of the first one. */
  readonly errors: readonly ResponseError[];

  constructor(code: Code, message: string, options: ShopErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = (options.details ?? {}) as DetailsOf<Code>;
    this.path = options.path;
    this.data = options.data ?? undefined;
    this.errors = options.errors ?? [];
  }

  /** The broken rules of `BAD_USER_INPUT`; empty for other codes. */
  get fields(): readonly FieldError[] {
    return isShopError(this, "BAD_USER_INPUT") ? this.details.fields : [];
  }

  /** Seconds after which a repetition can succeed. */
  get retryAfter(): number | undefined {
    const { retryAfter } = this.details as { retryAfter?: number };
    return retryAfter;
  }

  /** With this id, the operator finds an `INTERNAL_SERVER_ERROR` in the logs. */
  get traceId(): string | undefined {
    const { traceId } = this.details as { traceId?: string };
    return traceId;
  }
}

/**
 * Returns true for a ShopError, with codes: for one that has one of them.
 * `isShopError(error, "OUT_OF_STOCK")` also narrows the type of `error.details`.
 */
export function isShopError<Code extends ShopErrorCode = ShopErrorCode>(
  error: unknown,
  ...codes: Code[]
): error is ShopError<Code> {
  if (!(error instanceof ShopError)) return false;
  return codes.length === 0 || codes.some((code) => code === error.code);
}

/**
 * Makes the error of an answer.
 *
 * @param retryAfter the seconds of the header Retry-After, for errors that do not name them
 */
export function errorOfAnswer(
  errors: readonly ResponseError[],
  data: unknown,
  retryAfter?: number,
): ShopError {
  const [first] = errors;
  const { code, ...details } = first?.extensions ?? {};
  if (first === undefined || typeof code !== "string") {
    return new ShopError("INVALID_RESPONSE", first?.message ?? "The answer has no data.", {
      errors,
      data,
    });
  }
  if (retryAfter !== undefined) details.retryAfter ??= retryAfter;
  return new ShopError(code as ShopErrorCode, first.message, {
    details,
    path: first.path,
    data,
    errors,
  });
}
