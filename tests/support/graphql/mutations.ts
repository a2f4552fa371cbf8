import { password } from "../shop.ts";

/** A well-formed id that no row has. */
export const unknownId = "01900000-0000-7000-8000-000000000000";

/** Documents of the mutations, with literal inputs. Users have the shared test password. */
export const mutations = {
  registerUser: (name: string, type = 0) =>
    `mutation { registerUser(input: { email: "${name}@example.com", username: "${name}",
       password: "${password}", type: ${type} }) { id email username type } }`,
  login: (name: string, secret = password) =>
    `mutation { login(input: { email: "${name}@example.com", password: "${secret}" }) { token } }`,
  createProduct: (name: string, { price = 5, stock = 3 } = {}) =>
    `mutation { createProduct(input: { name: "${name}", description: "", price: ${price},
       stock: ${stock} }) { id name description price stock } }`,
  updateProduct: (id: string, version: number, price: number) =>
    `mutation { updateProduct(input: { id: "${id}", version: ${version}, price: ${price} }) {
       id price version } }`,
  updateInventory: (id: string, type: number, number: number) =>
    `mutation { updateInventory(input: { id: "${id}", type: ${type}, number: ${number} }) {
       success } }`,
  placeOrder: (productId: string, quantity: number) =>
    `mutation { placeOrder(input: {
       order_products: [{ product_id: "${productId}", quantity: ${quantity} }] }) {
       id user_id price_total quantity status order_products { product_id quantity price } } }`,
  cancelOrder: (id: string) => `mutation { cancelOrder(id: "${id}") { id status } }`,
  shipOrder: (id: string, tracking = "DHL 123") =>
    `mutation { shipOrder(input: { id: "${id}", tracking: "${tracking}" }) { id status } }`,
  completeOrder: (id: string) => `mutation { completeOrder(id: "${id}") { id status } }`,
  setUserType: (id: string, type: number) =>
    `mutation { setUserType(input: { id: "${id}", type: ${type} }) { id type } }`,
  setUserRights: (id: string, mayOperate: boolean) =>
    `mutation { setUserRights(input: { id: "${id}", mayOperate: ${mayOperate} }) {
       id mayOperate } }`,
  createPasswordReset: (id: string) =>
    `mutation { createPasswordReset(input: { id: "${id}" }) { token } }`,
  eraseUser: (id: string) => `mutation { eraseUser(id: "${id}") { success } }`,
};

/** Documents of the mutations, with the input as the variable `$input`. */
export const inputDocuments = {
  registerUser: "mutation ($input: NewUser!) { registerUser(input: $input) { id } }",
  login: "mutation ($input: Login!) { login(input: $input) { token refreshToken } }",
  createProduct: "mutation ($input: CreateProduct!) { createProduct(input: $input) { id } }",
  updateInventory:
    "mutation ($input: UpdateInventory!) { updateInventory(input: $input) { success } }",
  placeOrder:
    "mutation ($input: PlaceOrder!) { placeOrder(input: $input) { id quantity price_total } }",
};
