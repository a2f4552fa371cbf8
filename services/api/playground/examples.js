/**
 * An example document.
 * @typedef {{ name: string, query: string }} Example
 */

/** The content of the first tab when the page is opened for the first time. */
export const welcome = `# The shop's GraphQL API. Run a query with the
# button or Ctrl-Enter. Everybody may read the
# products; for the rest, take from "Examples":
#
# 1. registerUser, with an email, a username and
#    a password of at least 8 characters. On a
#    new installation, type: 1 makes the admin.
# 2. login. The token goes into "Token" above by
#    itself and is sent with every request.
# 3. createProduct and updateInventory (admin),
#    placeOrder (everybody who is logged in).

query {
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
 * The documents of the original shop's README, unchanged, and documents for new features.
 * @type {readonly Example[]}
 */
export const examples = [
  {
    name: "users, products, orders",
    query: `query {
  users {
    id
    username
    email
    type # 0 - DEFAULT, 1 - ADMIN
  }
  products {
    id
    name
    description
    price
    stock
  }
  orders {
    id
    user_id
    price_total
    quantity
  }
}
`,
  },
  {
    name: "user, product, order",
    query: `query {
  user(id: "ID_STRING") {
    id
    username
    email
    type # 0 - DEFAULT, 1 - ADMIN
  }
  product(id: "ID_STRING") {
    id
    name
    description
    price
    stock
  }
  order(id: "ID_STRING") {
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
  {
    name: "registerUser",
    query: `mutation {
  registerUser(
    input: {
      email: "EMAIL"
      username: "USERNAME"
      type: 0 # 0 - DEFAULT, 1 - ADMIN
      password: "PASSWORD"
    }
  ) {
    id
    email
    username
    type # 0 - DEFAULT, 1 - ADMIN
  }
}
`,
  },
  {
    name: "login",
    query: `mutation {
  login(input: { email: "EMAIL", password: "PASSWORD" }) {
    token # JWT: put in Authorization Header
  }
}
`,
  },
  {
    name: "placeOrder",
    query: `# Only applicable when user is logged in
mutation {
  placeOrder(
    input: { order_products: [{ product_id: "PRODUCTID", quantity: 1 }] }
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
    name: "createProduct",
    query: `# Only applicable when user is logged in and userType = 1
mutation {
  createProduct(
    input: { name: "NAME", description: "DESC", price: 1, stock: 1 }
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
    name: "updateInventory",
    query: `# Only applicable when user is logged in and userType = 1
mutation {
  # type: 0 - INVALID, 1 - ADD, 2 - SUBTRACT, 3 - DELETE
  updateInventory(input: { id: "ID", type: 1, number: 1 }) {
    success
  }
}
`,
  },
  {
    name: "productsConnection",
    query: `query {
  productsConnection(
    first: 10 # or last; the next page: after: "ENDCURSOR"
    search: "mug" # words, the last one may be a beginning
    filter: { price_max: 1000, in_stock: true }
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
    name: "ordersConnection",
    query: `# One's own orders, and all of them when userType = 1
query {
  ordersConnection(first: 10, filter: { status: PLACED }) {
    edges {
      cursor
      node {
        id
        price_total
        user {
          username
        }
        order_products {
          name
          quantity
        }
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
    name: "cancelOrder",
    query: `# Only one's own order, unless userType = 1
mutation {
  cancelOrder(id: "ID") {
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
  {
    name: "login, to stay signed in",
    query: `mutation {
  login(input: { email: "EMAIL", password: "PASSWORD" }) {
    token
    refreshToken # gives the next token: keep it secret
    expiresAt # of the token
  }
}
`,
  },
  {
    name: "refreshToken",
    query: `mutation {
  refreshToken(token: "REFRESHTOKEN") {
    token
    refreshToken # takes the place of the old one
    expiresAt
  }
}
`,
  },
  {
    name: "orderPlaced",
    query: `# One's own orders, and all of them when userType = 1
subscription {
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
    name: "inventoryUpdated",
    query: `subscription {
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
];
