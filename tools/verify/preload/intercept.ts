import pg from "pg";

/** A statement that a node is about to send to PostgreSQL. */
export interface Statement {
  text: string;
  values: unknown[] | undefined;
  /** The earlier statements of the transaction. Each transaction has one list object. */
  earlier: readonly string[];
}

/** Sends a statement: `send` on the original connection, `aside` on another one outside the transaction. */
export type Send = (text: string, values?: unknown[]) => Promise<pg.QueryResult>;

/** Replaces the sending of the statements that it concerns. */
export interface Interception {
  concerns: (statement: Statement) => boolean;
  run: (statement: Statement, send: Send, aside: Send) => Promise<pg.QueryResult>;
}

type Callback = (error: unknown, result?: pg.QueryResult) => void;

const interceptions: Interception[] = [];
const transactions = new WeakMap<pg.Client, string[]>();
const { query } = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };

/** Intercepts the statements of this process. The first interception that concerns a statement runs. */
export function intercept(interception: Interception): void {
  if (interceptions.length === 0) install();
  interceptions.push(interception);
}

function install(): void {
  const prototype = pg.Client.prototype as unknown as { query: unknown };
  prototype.query = function (this: pg.Client, ...args: unknown[]): unknown {
    const text = textOf(args[0]);
    if (text === undefined) return query.apply(this, args);
    const values = Array.isArray(args[1]) ? (args[1] as unknown[]) : valuesOf(args[0]);
    const statement: Statement = { text, values, earlier: trackTransaction(this, text) };
    const interception = interceptions.find(({ concerns }) => concerns(statement));
    if (interception === undefined) return query.apply(this, args);
    const send: Send = (changed, changedValues) =>
      query.call(this, changed, changedValues) as Promise<pg.QueryResult>;
    const aside: Send = async (other, otherValues) =>
      query.call(await openAside(this), other, otherValues) as Promise<pg.QueryResult>;
    const answer = interception.run(statement, send, aside);
    const callback = args.find((arg) => typeof arg === "function") as Callback | undefined;
    if (callback === undefined) return answer;
    answer.then((result) => {
      callback(null, result);
    }, callback);
    return undefined;
  };
}

/** The second connections, by their databases. */
const asideClients = new Map<string, Promise<pg.Client>>();

/** Opens a second connection to the database of a client. */
function openAside({ host, port, user, database = "" }: pg.Client): Promise<pg.Client> {
  const opening =
    asideClients.get(database) ??
    (async () => {
      const client = new pg.Client({ host, port, user: user ?? "", database });
      await client.connect();
      return client;
    })();
  asideClients.set(database, opening);
  return opening;
}

/** Tracks the transaction of a client. Returns its statements before this one. */
function trackTransaction(client: pg.Client, text: string): readonly string[] {
  const earlier = transactions.get(client) ?? [];
  if (/^\s*(START TRANSACTION|BEGIN)/i.test(text)) transactions.set(client, []);
  else if (/^\s*(COMMIT|ROLLBACK)/i.test(text)) transactions.delete(client);
  else if (transactions.has(client)) earlier.push(text);
  return earlier;
}

function textOf(query: unknown): string | undefined {
  if (typeof query === "string") return query;
  if (typeof query !== "object" || query === null || !("text" in query)) return undefined;
  return typeof query.text === "string" ? query.text : undefined;
}

function valuesOf(query: unknown): unknown[] | undefined {
  if (typeof query !== "object" || query === null || !("values" in query)) return undefined;
  return Array.isArray(query.values) ? query.values : undefined;
}
