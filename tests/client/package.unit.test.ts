import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { projectDir } from "../../tools/support/processes.ts";

test("the typed client has the version of the project", () => {
  const [project, client] = [".", "clients/typescript"].map((folder) => {
    const text = readFileSync(join(projectDir, folder, "package.json"), "utf8");
    return JSON.parse(text) as { version: string };
  });
  expect(client?.version).toBe(project?.version);
});
