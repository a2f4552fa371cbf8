/** One message of a client to a NATS server: a line of control, and a payload where it has one. */
export interface NatsFrame {
  /** All its bytes, as they came and as they go on. */
  bytes: Buffer;
  /** Of a message that is published. */
  subject?: string;
  payload?: Buffer;
}

const lineEnd = Buffer.from("\r\n");

/**
 * Cuts what a client sends to a NATS server into messages, however the bytes were cut on their way
 * (https://docs.nats.io/reference/reference-protocols/nats-protocol).
 */
export class NatsFrames {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that are whole with these bytes. */
  push(bytes: Buffer): NatsFrame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: NatsFrame[] = [];
    for (;;) {
      const frame = firstFrame(this.#rest);
      if (frame === undefined) return frames;
      this.#rest = this.#rest.subarray(frame.bytes.length);
      frames.push(frame);
    }
  }
}

function firstFrame(bytes: Buffer): NatsFrame | undefined {
  const lineLength = bytes.indexOf(lineEnd);
  if (lineLength < 0) return undefined;
  const start = lineLength + lineEnd.length;
  // "PUB <subject> [reply-to] <size>" or "HPUB <subject> [reply-to] <size of headers> <size>".
  const words = bytes.toString("latin1", 0, lineLength).split(/\s+/);
  const [verb = "", subject] = words;
  if (subject === undefined || !/^H?PUB$/i.test(verb)) return { bytes: bytes.subarray(0, start) };
  const end = start + Number(words.at(-1));
  if (bytes.length < end + lineEnd.length) return undefined;
  const headersSize = verb.length === 4 ? Number(words.at(-2)) : 0;
  return {
    bytes: bytes.subarray(0, end + lineEnd.length),
    subject,
    payload: bytes.subarray(start + headersSize, end),
  };
}
