/** What the examples write in place of a value of the reader's shop. */
export const placeholders = {
  PRODUCT_ID: "a product with stock",
  ORDER_ID: "an order of the customer",
  OTHER_ORDER_ID: "another order of the customer",
  USER_ID: "the customer",
  CURSOR: "the cursor of the first row of the connection",
  REFRESH_TOKEN: "a refresh token of the customer",
} as const;

export type Placeholder = keyof typeof placeholders;
