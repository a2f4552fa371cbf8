import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const folder = join(import.meta.dirname, "../../services/users");

test("each statement that returns users selects the columns of the model", () => {
  const statements = globSync("**/*.ts", { cwd: folder }).flatMap((file) => {
    const source = readFileSync(join(folder, file), "utf8");
    return [...source.matchAll(/query<[^(]*\bStoredUser\b[^(]*\(\s*`([^`]*)`/g)].map(
      ([, sql = ""]) => ({ file, selectsModel: sql.includes("${userColumns}") }),
    );
  });
  expect(statements.map(({ file }) => file)).toContain("sessions/refresh-token.ts");
  expect(statements.filter(({ selectsModel }) => !selectsModel)).toEqual([]);
});
