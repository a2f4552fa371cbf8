/** An example of the menu. */
export interface Example {
  name: string;
  /**
   * Texts in quoted capitals are placeholders: the page replaces those whose value it knows from an
   * earlier answer.
   */
  query: string;
}

export interface ExampleGroup {
  title: string;
  examples: readonly Example[];
}

/** The content of the first tab when the page is opened for the first time. */
export const welcome = `# The shop's GraphQL API. Run the query below with
# the button or Ctrl-Enter.
#
# The menu "Examples" leads from the first admin to
# an order, step by step. The token of a login goes
# into the field "Token" by itself.
#
# Ctrl-Space completes, Tab leaves the editor.

query Products {
  products {
    id
    name
    description
    price
    stock
  }
}
`;

/**
 * The examples of the menu, in groups. The first group is the walk-through of
 * docs/getting-started.md.
 */
export const exampleGroups: readonly ExampleGroup[] = [
  {
    title: "Walk-through",
    examples: [
      {
        name: "1. Register the first admin",
        query: `# Anyone can register an admin while the shop has none.
mutation RegisterFirstAdmin {
  registerUser(
    input: {
      email: "admin@shop.example"
      username: "admin"
      type: 1 # 0 - DEFAULT, 1 - ADMIN
      password: "correct horse"
    }
  ) {
    id
    email
    username
    type
  }
}
`,
      },
      {
        name: "2. Log in",
        query: `mutation Login {
  login(
    input: { email: "admin@shop.example", password: "correct horse" }
  ) {
    token # goes into the field "Token" by itself
  }
}
`,
      },
      {
        name: "3. Create a product",
        query: `# Admins only. 990 is 9.90: prices are in minor units.
mutation CreateProduct {
  createProduct(
    input: {
      name: "Mug"
      description: "Blue, 0.3 l"
      price: 990
      stock: 20
    }
  ) {
    id
    price
    name
    description
    stock
  }
}
`,
      },
      {
        name: "4. Change the stock",
        query: `# Admins only. type: 1 - ADD, 2 - SUBTRACT, 3 - DELETE
mutation UpdateInventory {
  updateInventory(
    input: { id: "PRODUCT_ID", type: 1, number: 10 }
  ) {
    success
  }
}
`,
      },
      {
        name: "5. Place an order",
        query: `# Every signed-in user can place orders.
mutation PlaceOrder {
  placeOrder(
    input: {
      order_products: [{ product_id: "PRODUCT_ID", quantity: 2 }]
    }
  ) {
    id
    user_id
    quantity
    price_total
    order_products {
      product_id
      price
      quantity
    }
  }
}
`,
      },
      {
        name: "6. Read everything, with joins",
        query: `# Customers see their own orders, and no other users.
query Everything {
  users {
    id
    username
    email
    type
  }
  products {
    id
    name
    description
    price
    stock
  }
  orders(limit: 20) {
    id
    user_id
    username
    price_total
    quantity
    order_products {
      quantity
      price
      name
      product {
        stock
      }
    }
  }
}
`,
      },
      {
        name: "7. Cancel the order",
        query: `# One's own order, or any order for admins.
mutation CancelOrder {
  cancelOrder(id: "ORDER_ID") {
    id
    status
    history {
      status
      at
    }
  }
}
`,
      },
    ],
  },
  {
    title: "Reading",
    examples: [
      {
        name: "Search products",
        query: `query SearchProducts {
  productsConnection(
    first: 10 # the next page: after: "CURSOR"
    search: "mug" # words; the last one may be a beginning
    filter: { priceMax: 1000, inStock: true }
    sort: PRICE_ASC
  ) {
    nodes {
      id
      name
      price
      stock
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    totalCount
  }
}
`,
      },
      {
        name: "Newest orders, with joins",
        query: `# One's own orders; all orders for admins.
query NewestOrders {
  ordersConnection(first: 10) {
    nodes {
      id
      status
      price_total
      user {
        username
      }
      order_products {
        quantity
        name
        product {
          stock
        }
      }
      history {
        at
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
      },
      {
        name: "Former prices of a product",
        query: `query PriceHistory {
  product(id: "PRODUCT_ID") {
    name
    priceHistory {
      price
      validFrom
    }
  }
}
`,
      },
      {
        name: "One product and one order",
        query: `query ProductAndOrder {
  product(id: "PRODUCT_ID") {
    id
    name
    description
    price
    stock
  }
  order(id: "ORDER_ID") {
    id
    user_id
    price_total
    quantity
    order_products {
      product_id
      quantity
      price
    }
  }
}
`,
      },
    ],
  },
  {
    title: "Catalogue",
    examples: [
      {
        name: "Change a price",
        query: `# Admins only. The version is that of the product as
# it was read; after each update it is one more.
mutation UpdateProduct {
  updateProduct(
    input: { id: "PRODUCT_ID", version: 1, price: 1090 }
  ) {
    name
    price
    version
  }
}
`,
      },
    ],
  },
  {
    title: "Events",
    examples: [
      {
        name: "Subscribe to orders",
        query: `# One's own orders; all orders for admins.
subscription OrderPlaced {
  orderPlaced {
    id
    quantity
    price_total
    order_products {
      name
      quantity
    }
  }
}
`,
      },
      {
        name: "Subscribe to changes of orders",
        query: `# One's own orders; all orders for admins.
subscription OrderUpdated {
  orderUpdated {
    id
    status
    history {
      status
      at
      tracking
    }
  }
}
`,
      },
      {
        name: "Subscribe to changes of the stock",
        query: `subscription InventoryUpdated {
  inventoryUpdated {
    change
    number
    product {
      name
      stock
    }
  }
}
`,
      },
    ],
  },
  {
    title: "Accounts",
    examples: [
      {
        name: "Register a customer",
        query: `mutation RegisterCustomer {
  registerUser(
    input: {
      email: "ann@shop.example"
      username: "Ann"
      type: 0 # 0 - DEFAULT, 1 - ADMIN
      password: "correct horse"
    }
  ) {
    id
    email
    username
    type
  }
}
`,
      },
      {
        name: "Log in with a refresh token",
        query: `mutation LoginToStay {
  login(
    input: { email: "ann@shop.example", password: "correct horse" }
  ) {
    token
    refreshToken # gives the next token: keep it secret
    expiresAt # of the token
  }
}
`,
      },
      {
        name: "Refresh the token",
        query: `mutation RefreshToken {
  refreshToken(token: "REFRESH_TOKEN") {
    token
    refreshToken # replaces the old one
    expiresAt
  }
}
`,
      },
    ],
  },
];
