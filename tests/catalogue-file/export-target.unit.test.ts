import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { exportFile } from "../../commands/catalogue-file/export-target.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "export-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("an exported file", () => {
  test("replaces the old one when it is complete", async () => {
    const file = join(folder, "a.csv");
    writeFileSync(file, "old");
    const target = await exportFile(file);
    await target.write("a");
    await target.write("b");
    expect(readFileSync(file, "utf8")).toBe("old");
    await target.complete();
    target.discard();
    expect(readFileSync(file, "utf8")).toBe("ab");
    expect(readdirSync(folder)).toEqual(["a.csv"]);
  });

  test("that is discarded leaves the old one and no other", async () => {
    const file = join(folder, "a.csv");
    writeFileSync(file, "old");
    const target = await exportFile(file);
    await target.write("a");
    target.discard();
    expect(readdirSync(folder)).toEqual(["a.csv"]);
    expect(readFileSync(file, "utf8")).toBe("old");
  });

  test("cannot be in a folder that does not exist, or in a file", async () => {
    const expected = {
      name: "StartError",
      message: expect.stringMatching(/cannot be written: th/),
    };
    await expect(exportFile(join(folder, "none", "a.csv"))).rejects.toMatchObject(expected);
    writeFileSync(join(folder, "b"), "");
    await expect(exportFile(join(folder, "b", "a.csv"))).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringMatching(/a part of its path is not a folder/),
    });
  });

  test("cannot be a folder", async () => {
    const file = join(folder, "a.csv");
    mkdirSync(file);
    await expect(exportFile(file)).rejects.toMatchObject({
      name: "StartError",
      message: `${file} cannot be written: it is a folder.`,
    });
  });

  const onLinux = existsSync("/dev/full") ? test : test.skip;
  onLinux("on a full disk fails with a sentence", async () => {
    const target = await exportFile("/dev/full");
    await expect(target.write("a")).rejects.toMatchObject({
      name: "StartError",
      message: "/dev/full cannot be written: the disk is full.",
    });
    target.discard();
    expect(existsSync("/dev/full")).toBe(true);
  });
});
