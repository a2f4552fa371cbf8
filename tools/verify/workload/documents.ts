import type { Kind, Kinds, OrderAnswer } from "../history.ts";

/** The GraphQL document of a kind of request. */
interface Document<K extends Kind> {
  query: string;
  variables: (input: Kinds[K]["input"]) => Record<string, unknown>;
  /** Reads the answer from the value of the field `answer`. */
  answer: (value: unknown) => Kinds[K]["answer"];
}

const order = "id user_id price_total quantity status order_products { product_id quantity price }";
const newProduct = "id name price stock";
const product = `${newProduct} version`;
const updateInventory =
  "mutation ($input: UpdateInventory!) { answer: updateInventory(input: $input) { success } }";

function inventory(type: number) {
  return {
    query: updateInventory,
    variables: ({ product_id, number = 0 }: { product_id: string; number?: number }) => ({
      input: { id: product_id, type, number },
    }),
    answer: (value: unknown) => value as { success: boolean },
  };
}

/** The documents of all kinds. Each has one field, with the alias `answer`. */
export const documents: { [K in Kind]: Document<K> } = {
  registerUser: {
    query:
      "mutation ($input: NewUser!) { answer: registerUser(input: $input) { id username type } }",
    variables: (input) => ({ input: { ...input, password } }),
    answer: (value) => value as Kinds["registerUser"]["answer"],
  },
  createProduct: {
    query: `mutation ($input: CreateProduct!) { answer: createProduct(input: $input) { ${newProduct} } }`,
    variables: (input) => ({ input: { ...input, description: "" } }),
    answer: (value) => value as Kinds["createProduct"]["answer"],
  },
  updatePrice: {
    query: `mutation ($input: UpdateProductInput!) { answer: updateProduct(input: $input) { ${product} } }`,
    variables: ({ product_id, version, price }) => ({ input: { id: product_id, version, price } }),
    answer: (value) => value as Kinds["updatePrice"]["answer"],
  },
  addStock: inventory(1),
  subtractStock: inventory(2),
  archiveProduct: inventory(3),
  placeOrder: {
    query: `mutation ($input: PlaceOrder!) { answer: placeOrder(input: $input) { ${order} } }`,
    variables: ({ lines }) => ({ input: { order_products: lines } }),
    answer: (value) => value as OrderAnswer,
  },
  cancelOrder: {
    query: `mutation ($id: ID!) { answer: cancelOrder(id: $id) { ${order} } }`,
    variables: ({ order_id }) => ({ id: order_id }),
    answer: (value) => value as OrderAnswer,
  },
  shipOrder: {
    query: `mutation ($input: ShipOrder!) { answer: shipOrder(input: $input) { ${order} } }`,
    variables: ({ order_id, tracking }) => ({ input: { id: order_id, tracking } }),
    answer: (value) => value as OrderAnswer,
  },
  completeOrder: {
    query: `mutation ($id: ID!) { answer: completeOrder(id: $id) { ${order} } }`,
    variables: ({ order_id }) => ({ id: order_id }),
    answer: (value) => value as OrderAnswer,
  },
  readProduct: {
    query: `query ($id: ID!) { answer: product(id: $id) { ${product} } }`,
    variables: ({ product_id }) => ({ id: product_id }),
    answer: (value) => value as Kinds["readProduct"]["answer"],
  },
  readOrder: {
    query: `query ($id: ID!) { answer: order(id: $id) { ${order} } }`,
    variables: ({ order_id }) => ({ id: order_id }),
    answer: (value) => value as OrderAnswer,
  },
  listOrders: {
    query: "{ answer: orders { id } }",
    variables: () => ({}),
    answer: (value) => ({ ids: (value as { id: string }[]).map(({ id }) => id) }),
  },
};

/** The password of all accounts. It is not written to the history. */
export const password = "a password of the checker";

export const loginDocument = "mutation ($input: Login!) { answer: login(input: $input) { token } }";
