import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  misspellingsInEnvironment,
  misspellingsInFile,
  readEnvFile,
} from "../../config/env-file.ts";
import { ConfigError } from "../../config/config-reader.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { faultsOf, read } from "../support/read-config.ts";

describe("a text file of an editor", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "texts-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  let files = 0;
  function write(content: Buffer | string): string {
    const path = join(folder, String((files += 1)));
    writeFileSync(path, content);
    return path;
  }

  const utf16le = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");
  const utf16be = (text: string) => utf16le(text).swap16();
  const encodings: [string, (text: string) => Buffer][] = [
    ["UTF-8", (text) => Buffer.from(text)],
    ["UTF-8 with a byte order mark", (text) => Buffer.from(`\uFEFF${text}`)],
    ["UTF-16 (little-endian)", utf16le],
    ["UTF-16 (big-endian)", utf16be],
  ];

  test.each(encodings)("in %s can be read as a .env file", (_encoding, encode) => {
    const text = [
      "PORT=1",
      "",
      "# a comment",
      "export HOST = ::1 ",
      "DATA_DIR='/tmp/ä b' # another",
      'NATS_USER="x#y"',
      "EMPTY=",
      "ADMIN_PASSWORD=`a \"b\" 'c'`",
    ];
    const expected = {
      PORT: "1",
      HOST: "::1",
      DATA_DIR: "/tmp/ä b",
      NATS_USER: "x#y",
      EMPTY: "",
      ADMIN_PASSWORD: "a \"b\" 'c'",
    };
    for (const lineEnd of ["\n", "\r\n", "\r"]) {
      const path = write(encode(text.join(lineEnd)));
      expect({ ...readEnvFile(path) }).toEqual(expected);
      expect({ ...readEnvFile(write(encode(text.join(lineEnd) + lineEnd))) }).toEqual(expected);
    }
  });

  test.each(encodings)("in %s can be read as a secret", (_encoding, encode) => {
    for (const lineEnd of ["", "\n", "\r\n"]) {
      const NATS_TOKEN_FILE = write(encode(`sécret${lineEnd}`));
      const { nats } = read({ TRANSPORTER: "nats://localhost", NATS_TOKEN_FILE });
      expect(nats?.token).toBe("sécret");
    }
  });

  test.each<[string, Buffer, string]>([
    ["UTF-16 without a byte order mark", Buffer.from("PORT=1\n", "utf16le"), "zero byte in line 1"],
    ["Latin-1", Buffer.from("A=1\nB=\uFFFD\nC=ä\n", "latin1"), "no valid UTF-8 in line 2"],
    ["half a character", Buffer.from("A=\uFFFD\nB=ä").subarray(0, -1), "no valid UTF-8 in line 2"],
    ["truncated UTF-16", utf16le("PORT=1").subarray(0, -1), "no valid UTF-16"],
  ])("in %s is rejected with an explanation", (_encoding, content, reason) => {
    const path = write(content);
    expect(() => readEnvFile(path)).toThrow(ConfigError);
    expect(() => readEnvFile(path)).toThrow(reason);
    const faults = faultsOf({ KEY_ENCRYPTION_SECRET_FILE: path });
    expect(faults).toEqual([
      expect.stringMatching(`^KEY_ENCRYPTION_SECRET_FILE .*${reason}.*for example`),
    ]);
  });

  test.each([
    ["A=1\nPORT: 18771\nB=2\n", "line 2"],
    ["PORT\n", "line 1"],
    ["# a comment\r\n\r\nexport PORT\r\n", "line 3"],
    ["A=1\n=8080", "line 2"],
    ["the port = 8080", "line 1"],
    ["A='one\ntwo'\n\nPORT 1", "line 4"],
    ["A='one\ntwo\nB=`x`", "line 2"],
    ['A="x" # "y\nB\n', "line 2"],
    ["PORT 1\nHOST ::1\nA=1\nhunter22", "lines 1, 2 and 4"],
  ])("is rejected as a .env file if a line is no setting: %j", (text, lines) => {
    const path = write(text);
    expect(() => readEnvFile(path)).toThrow(ConfigError);
    const message = `The file ${path} has no NAME=value in ${lines}; for example PORT=8080.`;
    expect(() => readEnvFile(path)).toThrow(new RegExp(`^${message}$`));
  });

  test("may have other quotes, comments and texts of several lines as a .env file", () => {
    const text = [
      "\t# PORT 1",
      "A='one",
      "two # 2",
      "THREE'  # the end",
      'B="it\'s"',
      "C=it's",
      "D=a=b",
      "  export E='' ",
      "F.g-h=`1",
      "'`",
      "G='only one",
      "H=2",
    ].join("\n");
    expect({ ...readEnvFile(write(text)) }).toEqual({
      A: "one\ntwo # 2\nTHREE",
      B: "it's",
      C: "it's",
      D: "a=b",
      E: "",
      "F.g-h": "1\n'",
      G: "'only one",
      H: "2",
    });
  });

  test("may have blanks for an empty value as a .env file", () => {
    const text = "A= \nB=1\nexport C =\t\r\n D=2\nE= ";
    expect({ ...readEnvFile(write(text)) }).toMatchObject({ A: "", B: "1", D: "2", E: "" });
  });

  test("is rejected if it is a folder, and counts as empty if it is missing", () => {
    expect(() => readEnvFile(folder)).toThrow(ConfigError);
    expect(() => readEnvFile(folder)).toThrow("cannot be read: it is a folder");
    expect(readEnvFile(join(folder, "nothing"))).toEqual({});
  });

  test("is rejected if it is a symbolic link to nothing", () => {
    const path = join(folder, "link");
    symlinkSync(join(folder, "nothing"), path);
    expect(() => readEnvFile(path)).toThrow(`${path} cannot be read: it does not exist.`);
  });

  test("is rejected if it has no end", () => {
    expect(() => readEnvFile("/dev/zero")).toThrow("it has more than 64 MiB");
    expect(readEnvFile("/dev/null")).toEqual({});
  });

  test("may be a named pipe that a program writes to", async () => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    const reason = "cannot be read: it is a named pipe, and no program writes to it";
    expect(() => readEnvFile(path)).toThrow(reason);
    expect(faultsOf({ PORT_FILE: path })).toEqual([
      expect.stringMatching(`^PORT_FILE names a file that ${reason}`),
    ]);

    // A reader that has just found no writer may close the pipe while the program writes to it.
    const write = `trap '' PIPE; while :; do printf 'PORT=1\\nHOST=::1\\n' > '${path}'; done`;
    const writer = spawn("sh", ["-c", write]);
    const variables = await eventually("the program writing", () => readEnvFile(path));
    expect({ ...variables }).toEqual({ PORT: "1", HOST: "::1" });
    writer.kill("SIGKILL");
    await once(writer, "exit");
  });
});

test.each([
  ["PROT", "PORT"],
  ["POR", "PORT"],
  ["DB_POOL_MX", "DB_POOL_MAX"],
  ["USER_DB_URL", "USERS_DB_URL"],
  ["Port", "PORT"],
  ["host", "HOST"],
  ["USER_DB_URL_FILE", "USERS_DB_URL_FILE"],
  ["NATS_TLS_CA_FIEL", "NATS_TLS_CA_FILE"],
])("%s in .env is probably %s", (name, setting) => {
  expect(misspellingsInFile({ [name]: "1" })).toEqual([
    `.env sets ${name}, which is no setting; did you mean ${setting}?`,
  ]);
});

test.each([
  ["LOG_LEVL", "LOG_LEVEL"],
  ["KEY_ENCRYPTION_SECRT", "KEY_ENCRYPTION_SECRET"],
  ["USER_DB_URL_FILE", "USERS_DB_URL_FILE"],
])("%s in the environment is probably %s", (name, setting) => {
  expect(misspellingsInEnvironment({ [name]: "1" })).toEqual([
    `The environment sets ${name}, which is no setting; did you mean ${setting}?`,
  ]);
});

test("short names in the environment have no warning", () => {
  expect(misspellingsInEnvironment({ POST: "1", HOSTS: "1", Port: "1" })).toEqual([]);
});

test("names of other programs have no warning", () => {
  const names = ["DATABASE_URL", "PGHOST", "NODE_OPTIONS", "DB_POOL_MIN", "OTEL_SERVICE_NAME"];
  const settings = ["PORT", "PORT_FILE", "USERS_DB_URL", "TRACES_URL", "NATS_TLS_CA_FILE"];
  const env = Object.fromEntries([...names, ...settings].map((name) => [name, "1"]));
  expect(misspellingsInFile(env)).toEqual([]);
  expect(misspellingsInEnvironment(env)).toEqual([]);
});
