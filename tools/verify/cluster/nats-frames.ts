/** One message of the NATS client protocol: a control line, and possibly a payload. */
export interface NatsFrame {
  /** The complete bytes of the message. */
  bytes: Buffer;
  /** The subject, if the message is PUB or HPUB. */
  subject?: string;
  payload?: Buffer;
}

const lineEnd = Buffer.from("\r\n");

/**
 * Splits the byte stream of a NATS client into messages, however TCP has split the bytes
 * (https://docs.nats.io/reference/reference-protocols/nats-protocol).
 */
export class NatsFrames {
  #rest: Buffer = Buffer.alloc(0);

  /** Returns the messages that these bytes complete. */
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
