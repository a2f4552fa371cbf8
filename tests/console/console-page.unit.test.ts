import { expect, test } from "@jest/globals";
import { pages, routeOf } from "../../services/api/http/pages.ts";
import { read } from "../support/read-config.ts";

test("the console has one route for its page and everything below it", () => {
  const aliases = pages(read({}));
  const routes = [
    "/console",
    "/console/",
    "/console/orders/1",
    "/console/assets/a.js",
    "/consoles",
  ];
  expect(routes.map((path) => routeOf(path, aliases))).toEqual([
    "/console",
    "/console",
    "/console",
    "/console",
    undefined,
  ]);
});

test("CONSOLE=false turns the console off", () => {
  const aliases = pages(read({ CONSOLE: "false" }));
  expect(Object.keys(aliases).filter((alias) => alias.includes("console"))).toEqual([]);
  expect(routeOf("/console", aliases)).toBeUndefined();
});
