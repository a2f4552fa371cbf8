import { expect, test } from "@jest/globals";
import apolloServer from "moleculer-apollo-server";

test("moleculer-apollo-server has a stub for Apollo Server, which cannot be started", () => {
  expect(() => new apolloServer.ApolloServer()).toThrow("the gateway serves GraphQL itself");
});
