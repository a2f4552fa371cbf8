import pg from "pg";

/** Takes the parts of a base backup. If a method throws, the backup ends with this error. */
interface BaseBackupReceiver {
  archive(bytes: Buffer): void;
  manifest(bytes: Buffer): void;
  /** The sent part of the data, from 0 to 1. The total is an estimate of the server. */
  progress(share: number): void;
}

/** A server, while no other backup of it can run. */
export interface BackupServer {
  systemIdentifier: string;
  /** For example 18.4. */
  version: string;
  /** Receives a backup of all databases. */
  send(receiver: BaseBackupReceiver): Promise<void>;
}

/** A second backup of the same server fails, because this name is taken. */
const slotName = "shop_backup";

/**
 * Opens a connection for a base backup, as pg_basebackup does: by the command BASE_BACKUP of the
 * replication protocol (manual of PostgreSQL 18, "Streaming Replication Protocol"). The server
 * chooses the files, verifies the checksums of their pages, and adds the label and the WAL that
 * makes them consistent. A temporary replication slot keeps this WAL. When the connection ends,
 * however this process ends, the server ends the backup and drops the slot.
 *
 * @param url the URL of a database of the server, for a superuser
 */
export async function withBackupServer<Result>(
  url: string,
  signal: AbortSignal,
  work: (server: BackupServer) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: `${url}&replication=true` });
  // A broken connection fails the query. Without this listener it would end the process.
  client.on("error", () => undefined);
  await client.connect();
  // With a running query, `end` closes the connection immediately.
  const abort = () => void client.end();
  signal.addEventListener("abort", abort);
  try {
    const { rows: systems } = await client.query<{ systemid: string }>("IDENTIFY_SYSTEM");
    const { rows: versions } = await client.query<{ server_version: string }>(
      "SHOW server_version",
    );
    await client.query(`CREATE_REPLICATION_SLOT ${slotName} TEMPORARY PHYSICAL (RESERVE_WAL)`);
    return await work({
      systemIdentifier: systems[0]?.systemid ?? "",
      version: versions[0]?.server_version ?? "",
      send(receiver) {
        const query = new BaseBackupQuery(receiver, abort);
        client.query(query);
        return query.done;
      },
    });
  } finally {
    signal.removeEventListener("abort", abort);
    await client.end();
  }
}

/** A message of the server. The types of pg omit them. */
interface RowDescription {
  fields: { name: string }[];
}

interface DataRow {
  fields: (string | null)[];
}

interface CopyData {
  chunk: Buffer;
}

/** BASE_BACKUP as a query of pg, whose own queries ignore the data of a COPY. */
class BaseBackupQuery implements pg.Submittable {
  readonly done: Promise<void>;
  readonly #receiver: BaseBackupReceiver;
  readonly #abort: () => void;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #columns: string[] = [];
  #totalBytes = 0;
  #isManifest = false;
  #hasFailed = false;

  constructor(receiver: BaseBackupReceiver, abort: () => void) {
    this.#receiver = receiver;
    this.#abort = abort;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.done = promise;
    this.#resolve = () => {
      resolve(undefined);
    };
    this.#reject = reject;
  }

  submit(connection: pg.Connection): void {
    connection.query(
      "BASE_BACKUP (LABEL 'shop', CHECKPOINT 'fast', WAL true, PROGRESS true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256')",
    );
  }

  handleRowDescription({ fields }: RowDescription): void {
    this.#columns = fields.map(({ name }) => name);
  }

  /** The second result has a row for the data directory and for each tablespace. */
  handleDataRow({ fields }: DataRow): void {
    const [oid, place, kilobytes] = fields;
    if (this.#columns[0] !== "spcoid") return;
    if (oid !== null) {
      this.#fail(new Error(`the tablespace in ${place} would not be in the backup; drop it first`));
    }
    this.#totalBytes += 1024 * Number(kilobytes);
  }

  handleCopyData({ chunk }: CopyData): void {
    if (this.#hasFailed) return;
    try {
      this.#receive(String.fromCharCode(chunk[0] ?? 0), chunk.subarray(1));
    } catch (error) {
      this.#fail(error);
    }
  }

  #receive(type: string, bytes: Buffer): void {
    if (type === "m") this.#isManifest = true;
    else if (type === "d" && this.#isManifest) this.#receiver.manifest(bytes);
    else if (type === "d") this.#receiver.archive(bytes);
    else if (type === "p" && this.#totalBytes > 0) {
      this.#receiver.progress(Math.min(1, Number(bytes.readBigUInt64BE()) / this.#totalBytes));
    }
  }

  handleCommandComplete(): void {
    // The server sends several results before it is ready for the next query.
  }

  handleEmptyQuery(): void {
    // BASE_BACKUP is no empty query.
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleError(error: Error): void {
    this.#reject(error);
  }

  /** Ends the backup. The error of the closed connection comes later and is ignored. */
  #fail(error: unknown): void {
    this.#hasFailed = true;
    this.#reject(error);
    this.#abort();
  }
}
