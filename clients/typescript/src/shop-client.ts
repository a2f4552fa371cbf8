import type { DocumentNode } from "graphql";
import { iterateNodes, type ConnectionPage } from "./connections.ts";
import type { Login } from "./generated/schema.ts";
import {
  LoginDocument,
  LogoutDocument,
  RefreshDocument,
  type AccountFragment,
} from "./generated/operations.ts";
import { sendRequest } from "./http-request.ts";
import { operationOf, type Operation, type TypedDocument } from "./operation.ts";
import { withRetries, type RetryPolicy } from "./retries.ts";
import { Session, type Tokens } from "./session.ts";
import { isShopError } from "./shop-error.ts";
import { Subscriptions } from "./subscriptions.ts";
import { memoryTokenStore, type TokenStore } from "./token-store.ts";

export interface ShopClientOptions {
  /** The address of the GraphQL API, for example `https://shop.example/graphql`. */
  url: string;
  /** Where the session is kept; by default in memory. */
  tokenStore?: TokenStore;
  /** Called when the session has ended without `signOut`: the user has to sign in again. */
  onSignedOut?: () => void;
  /** The time limit of each attempt of a request; 15 seconds by default. */
  timeoutMs?: number;
  /** The repetitions of requests. Default: 4 attempts, baseMs 250, maxMs 30,000. */
  retry?: Partial<RetryPolicy>;
  /** The new connections of a subscription. Default: 20 attempts, baseMs 500, maxMs 30,000. */
  reconnect?: Partial<RetryPolicy>;
  /** Sent with each request, for example a `traceparent`. */
  headers?: Record<string, string>;
  /** A replacement of the global function. */
  fetch?: typeof globalThis.fetch;
  /** A replacement of the global class, which Node 20 lacks: the one of the package `ws`. */
  webSocket?: unknown;
}

export interface RequestOptions {
  /** Ends the request: it fails with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** The time limit of each attempt. */
  timeoutMs?: number | undefined;
  /** The idempotency key of a mutation, for example one stored before a restart; random by default. */
  idempotencyKey?: string | undefined;
}

export interface SubscriptionOptions {
  /**
   * Called for each connection, when the shop delivers the events of the subscription. Earlier events
   * are not delivered, so query the present state now.
   */
  onConnected?: (() => void) | undefined;
  /** Called for each connection that is lost or cannot be made, before the client tries it again. */
  onDisconnected?: (() => void) | undefined;
  /** Ends the subscription: its iterator fails with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Variables can be left out if all of them are optional. */
export type Arguments<Variables, Options> =
  Record<string, never> extends Variables
    ? [variables?: Variables, options?: Options]
    : [variables: Variables, options?: Options];

/** A repeated refresh token ends the session when it is older than 10 seconds. */
const refreshPolicy = { attempts: 3, baseMs: 200, maxMs: 1_000 };
const refreshTimeoutMs = 2_500;

const onlyOnce = { attempts: 1, baseMs: 0, maxMs: 0 };

/** A client of the shop's GraphQL API, with one session. */
export class ShopClient {
  readonly #options: ShopClientOptions;
  readonly #session: Session;
  readonly #subscriptions: Subscriptions;
  readonly #policy: RetryPolicy;

  constructor(options: ShopClientOptions) {
    this.#options = options;
    this.#policy = { attempts: 4, baseMs: 250, maxMs: 30_000, ...options.retry };
    this.#session = new Session({
      store: options.tokenStore ?? memoryTokenStore(),
      refresh: (refreshToken) => this.#refresh(refreshToken),
      onSignedOut: () => options.onSignedOut?.(),
    });
    this.#subscriptions = new Subscriptions({
      url: options.url.replace(/^http/, "ws"),
      session: this.#session,
      policy: { attempts: 20, baseMs: 500, maxMs: 30_000, ...options.reconnect },
      webSocket: options.webSocket,
    });
  }

  /**
   * Sends a query or mutation and returns its data. Throws ShopError, also if only some fields
   * failed.
   */
  async execute<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...[variables, options = {}]: Arguments<Variables, RequestOptions>
  ): Promise<Data> {
    const operation = operationOf(document);
    if (operation.type === "subscription") {
      throw new TypeError("Iterate over subscribe() to receive the events of a subscription.");
    }
    const idempotencyKey = options.idempotencyKey ?? randomKey();
    const request = { ...options, idempotencyKey };
    const attempt = () => this.#attempt(operation, variables, request);
    const policy = operation.isRepeatable ? this.#policy : onlyOnce;
    return (await withRetries(attempt, policy, options.signal)) as Data;
  }

  /**
   * Iterates over the events of a subscription. After a lost connection, it connects again and
   * continues after the cursor of the last event, if the document takes `$after` and selects
   * `cursor`. Its iterator throws ShopError when it gives up. Throws TypeError if the runtime has no
   * WebSocket and the client has no option `webSocket`.
   */
  subscribe<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...[variables, options = {}]: Arguments<Variables, SubscriptionOptions>
  ): AsyncGenerator<Data, void, undefined> {
    const operation = operationOf(document);
    if (operation.type !== "subscription") {
      throw new TypeError(`Send a ${operation.type} by execute().`);
    }
    return this.#subscriptions.iterate(operation, { ...variables }, options);
  }

  /**
   * Iterates over the rows of a connection. It reads the next page when the rows of the previous
   * one are used up.
   *
   * @param connectionOf selects the connection, with `nodes` and `pageInfo`, from the data
   */
  nodes<Data, Variables extends { after?: string | null | undefined }, Node>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
    connectionOf: (data: Data) => ConnectionPage<Node>,
    options: RequestOptions = {},
  ): AsyncGenerator<Node, void, undefined> {
    const readPage = async (after: string | null | undefined) => {
      const arguments_ = [{ ...variables, after }, options] as Arguments<Variables, RequestOptions>;
      return connectionOf(await this.execute(document, ...arguments_));
    };
    return iterateNodes(readPage, variables.after);
  }

  /**
   * Opens a session, ends the former one, and returns the account. Subscriptions connect again with the
   * new session.
   */
  async signIn(input: Login, options: RequestOptions = {}): Promise<AccountFragment> {
    const { login } = await this.#send(LoginDocument, { input }, options);
    const former = await this.#session.open(login);
    this.#subscriptions.reconnect();
    if (former !== undefined) {
      // A session that cannot be ended now ends when it expires: the user has signed in nevertheless.
      await this.#send(LogoutDocument, { token: former }, options).catch(() => undefined);
    }
    return login.user;
  }

  /** Ends the session. If this throws, the client has nevertheless forgotten it. */
  async signOut(options: RequestOptions = {}): Promise<void> {
    const token = await this.#session.close();
    this.#subscriptions.reconnect();
    if (token === undefined) return;
    const idempotencyKey = options.idempotencyKey ?? randomKey();
    const attempt = () => this.#send(LogoutDocument, { token }, { ...options, idempotencyKey });
    await withRetries(attempt, this.#policy, options.signal);
  }

  /** Whether the client has a session. The shop may have ended it meanwhile. */
  async isSignedIn(): Promise<boolean> {
    return (await this.#session.token()) !== undefined;
  }

  /**
   * Connects the subscriptions again with the session in the token store. Call this after another
   * client has stored a session there, for example that of another tab.
   */
  reconnect(): void {
    this.#subscriptions.reconnect();
  }

  /** Closes the WebSocket. */
  async close(): Promise<void> {
    await this.#subscriptions.close();
  }

  async #refresh(token: string): Promise<Tokens> {
    const options = { timeoutMs: refreshTimeoutMs };
    const attempt = () => this.#send(RefreshDocument, { token }, options);
    const { refreshToken } = await withRetries(attempt, refreshPolicy);
    return refreshToken;
  }

  /** Sends a request with the access token, and again if the shop rejects the token. */
  async #attempt(operation: Operation, variables: unknown, options: RequestOptions) {
    const token = await this.#session.token();
    try {
      return await this.#request(operation, variables, options, token);
    } catch (error) {
      const mayRepeat = operation.isRepeatable || operation.hasOneField;
      if (token === undefined || !mayRepeat || !isShopError(error, "UNAUTHENTICATED")) throw error;
      const renewed = await this.#session.renew(token);
      if (renewed === undefined || renewed === token) throw error;
      return await this.#request(operation, variables, options, renewed);
    }
  }

  /** Sends a document once, without an access token. */
  async #send<Data, Variables>(
    document: TypedDocument<Data, Variables> & DocumentNode,
    variables: Variables,
    options: RequestOptions,
  ): Promise<Data> {
    return (await this.#request(operationOf(document), variables, options)) as Data;
  }

  #request(operation: Operation, variables: unknown, options: RequestOptions, token?: string) {
    const { idempotencyKey, signal } = options;
    return sendRequest({
      fetch: this.#options.fetch ?? globalThis.fetch,
      url: this.#options.url,
      headers: {
        ...this.#options.headers,
        ...(token !== undefined && { authorization: token }),
        ...(operation.type === "mutation" &&
          idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      },
      query: operation.text,
      variables,
      timeoutMs: options.timeoutMs ?? this.#options.timeoutMs ?? 15_000,
      signal,
    });
  }
}

/** crypto.randomUUID is missing on pages without HTTPS. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
