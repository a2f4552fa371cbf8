import type { Example } from "./examples.ts";
import { takeToken } from "./token-field.ts";

/** What the examples need of an answer. Any part can be missing, because queries can ask for less. */
interface Answer {
  data?: {
    login?: Tokens | null;
    refreshToken?: Tokens | null;
    createProduct?: { id?: unknown } | null;
    placeOrder?: { id?: unknown } | null;
    productsConnection?: {
      nodes?: ({ id?: unknown } | null)[] | null;
      pageInfo?: { endCursor?: unknown } | null;
    } | null;
  } | null;
}

interface Tokens {
  token?: unknown;
  refreshToken?: unknown;
}

/** The values of placeholders that earlier answers have given. */
const knownValues = new Map<string, string>();

/** Keeps the token and the values that the next examples need, so that nothing has to be copied. */
export function takeValues(response: unknown): void {
  const { login, refreshToken, createProduct, placeOrder, productsConnection } =
    (response as Answer | null)?.data ?? {};
  const tokens = login ?? refreshToken;
  if (typeof tokens?.token === "string") takeToken(tokens.token, login ? "login" : "refreshToken");
  const values = {
    PRODUCT_ID: createProduct?.id ?? productsConnection?.nodes?.[0]?.id,
    ORDER_ID: placeOrder?.id,
    REFRESH_TOKEN: tokens?.refreshToken,
    CURSOR: productsConnection?.pageInfo?.endCursor,
  };
  for (const [placeholder, value] of Object.entries(values)) {
    if (typeof value === "string") knownValues.set(placeholder, value);
  }
}

/** Returns the query of an example with the known values in the place of its placeholders. */
export function filledIn({ query }: Example): string {
  return query.replace(/"([A-Z_]+)"/g, (text, placeholder: string) => {
    const value = knownValues.get(placeholder);
    return value === undefined ? text : `"${value}"`;
  });
}
