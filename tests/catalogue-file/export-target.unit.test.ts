import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
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

  test("does not go through a link at the name of a partial file", async () => {
    const file = join(folder, "a.csv");
    writeFileSync(join(folder, "other"), "other");
    symlinkSync(join(folder, "other"), `${file}.partial`);
    const target = await exportFile(file);
    await target.write("a");
    await target.complete();
    expect(readFileSync(join(folder, "other"), "utf8")).toBe("other");
    expect(readFileSync(file, "utf8")).toBe("a");
  });

  test("that is a link replaces the target, with its permissions", async () => {
    mkdirSync(join(folder, "real"));
    const real = join(folder, "real", "b.csv");
    writeFileSync(real, "old");
    chmodSync(real, 0o606);
    const link = join(folder, "a.csv");
    symlinkSync(real, link);
    const target = await exportFile(link);
    await target.write("a");
    await target.complete();
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, "utf8")).toBe("a");
    expect(statSync(real).mode & 0o777).toBe(0o606);
    expect(readdirSync(join(folder, "real"))).toEqual(["b.csv"]);
    rmSync(real);
    await expect(exportFile(link)).rejects.toMatchObject({
      name: "CommandError",
      message: `${link} cannot be written: it is a symbolic link to a file that does not exist.`,
    });
  });

  test("of two exports at once is that of the last to end, and whole", async () => {
    const file = join(folder, "a.csv");
    const [one, two] = await Promise.all([exportFile(file), exportFile(file)]);
    await one.write("one");
    await two.write("t");
    await one.complete();
    expect(readFileSync(file, "utf8")).toBe("one");
    await two.write("wo");
    await two.complete();
    expect(readFileSync(file, "utf8")).toBe("two");
    expect(readdirSync(folder)).toEqual(["a.csv"]);
  });

  test("cannot be in a folder that does not exist, or in a file", async () => {
    const expected = {
      name: "CommandError",
      message: expect.stringMatching(/cannot be written: th/),
    };
    await expect(exportFile(join(folder, "none", "a.csv"))).rejects.toMatchObject(expected);
    writeFileSync(join(folder, "b"), "");
    await expect(exportFile(join(folder, "b", "a.csv"))).rejects.toMatchObject({
      name: "CommandError",
      message: expect.stringMatching(/a part of its path is not a folder/),
    });
  });

  test("cannot be a folder", async () => {
    const file = join(folder, "a.csv");
    mkdirSync(file);
    await expect(exportFile(file)).rejects.toMatchObject({
      name: "CommandError",
      message: `${file} cannot be written: it is a folder.`,
    });
  });

  const onLinux = existsSync("/dev/full") ? test : test.skip;
  onLinux("on a full disk fails with a sentence", async () => {
    const target = await exportFile("/dev/full");
    await expect(target.write("a")).rejects.toMatchObject({
      name: "CommandError",
      message: "/dev/full cannot be written: the disk is full.",
    });
    target.discard();
    expect(existsSync("/dev/full")).toBe(true);
  });
});
