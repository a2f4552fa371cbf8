import { ServerResponse, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { RequestBody, dropBody } from "../../services/api/http/graphql/request-body.ts";
import { HeldBytes, ResourceUsage } from "../../services/api/limits/resource-usage.ts";
import { TimeLimits } from "../../services/api/limits/time-limits.ts";

const mebibyte = 1_048_576;
const timeLimits = new TimeLimits();

/** A request whose body arrives in the pieces that are pushed. */
function newRequest() {
  const stream = Object.assign(new Readable({ read: () => undefined }), { headers: {} });
  const req = stream as unknown as IncomingMessage;
  const held = new HeldBytes(new ResourceUsage(), "127.0.0.1");
  const body = new RequestBody(req, new ServerResponse(req), held, timeLimits);
  return { req, held, body };
}

function send(req: Readable, bytes: Buffer, pieceBytes: number): void {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    req.push(bytes.subarray(start, start + pieceBytes));
  }
  req.push(null);
}

const texts = [
  "",
  "a",
  "größe",
  "\ufeffwith a byte order mark",
  "日本語 👍 e\u0301",
  "x".repeat(5_000),
];

/** Returns pieces that have memory of their own, like those that Node receives. */
const ownPieces = (count: number) =>
  Array.from({ length: count }, () => Buffer.from(new Uint8Array(10_000).fill(0x61).buffer));

describe("a body", () => {
  test.each([1, 3])("of %i pieces frees each when it is decoded", async (count) => {
    const { req, body } = newRequest();
    const pieces = ownPieces(count);
    for (const piece of pieces) req.push(piece);
    req.push(null);
    expect(await body.text()).toBe("a".repeat(10_000 * count));
    expect(pieces.map(({ buffer }) => buffer.byteLength)).toEqual(pieces.map(() => 0));
  });

  test("that is not read frees its pieces", async () => {
    const req = Object.assign(new Readable({ read: () => undefined }), {
      headers: { "content-length": "30000" },
    }) as unknown as IncomingMessage;
    dropBody(req);
    const pieces = ownPieces(3);
    for (const piece of pieces) req.push(piece);
    await eventually("the pieces being freed", () =>
      pieces.every(({ buffer }) => buffer.byteLength === 0),
    );
  });

  test.each([1, 2, 3, 4, 1_000, 100_000])(
    "in pieces of %i bytes is decoded as a whole",
    async (size) => {
      for (const text of texts) {
        if (text.length / size > 2_000) continue;
        const { req, body } = newRequest();
        send(req, Buffer.from(text), size);
        expect(await body.text()).toBe(text.replace(/^\ufeff/, ""));
      }
    },
  );

  test.each([
    ["an invalid byte", Buffer.from([0x61, 0xff, 0x61, 0x61])],
    ["an incomplete character at the end", Buffer.from("aa日").subarray(0, -1)],
  ])("with %s is rejected, in whatever pieces it arrives", async (_fault, bytes) => {
    for (const size of [1, 2, 100]) {
      const { req, body } = newRequest();
      send(req, bytes, size);
      await expect(body.text()).rejects.toMatchObject({ reason: "not UTF-8" });
    }
  });

  test("counts two bytes for each character if one is beyond Latin-1", async () => {
    const { req, held, body } = newRequest();
    send(req, Buffer.from(`日${"x".repeat(100_000)}`), 50_000);
    await body.text();
    expect(held.bytes).toBeGreaterThan(150_000);
  });
});

test("long bodies take the memory of their texts only, not also that of their pieces", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const pieces = 16;
  const requests = Array.from({ length: 24 }, newRequest);
  const buffered = () => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = buffered();
  for (let piece = 0; piece < pieces; piece += 1) {
    for (const { req } of requests) req.push(Buffer.alloc(mebibyte / pieces, 0x61));
    // The stream delivers the pieces.
    await new Promise(setImmediate);
  }
  // The garbage collection frees them in the background.
  const isSmall = () => buffered() - before < 4 * mebibyte;
  await eventually("the memory of the pieces is free", isSmall, { withinMs: 20_000 });
  for (const { req } of requests) req.push(null);
  const received = await Promise.all(requests.map(({ body }) => body.text()));
  expect(received.map(({ length }) => length)).toEqual(requests.map(() => mebibyte));
});
