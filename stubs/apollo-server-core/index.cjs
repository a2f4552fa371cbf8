"use strict";

/**
 * moleculer-apollo-server derives a class from this one when it is loaded. The gateway uses only its
 * composition of the schema and its resolvers, and serves GraphQL itself.
 */
class ApolloServerBase {
  constructor() {
    throw new Error("Apollo Server is not part of this shop: the gateway serves GraphQL itself.");
  }
}

module.exports = { ApolloServerBase };
