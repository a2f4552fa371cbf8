import type { IncomingMessage, ServerResponse } from "node:http";
import { GraphQLError, parse, validate, type GraphQLSchema } from "graphql";
import { createHandler } from "graphql-http";
import type { Context } from "moleculer";
import type { Meta } from "../../core/access.ts";
import { errorCatalogue } from "../../core/errors.ts";
import type { Authenticator } from "./authenticate.ts";
import { clientError, withCode } from "./graphql-errors.ts";
import { IdempotencyKeys } from "./idempotency-keys.ts";
import { queryCostRule } from "./query-limits.ts";

/** moleculer-web's request: it carries the context of its root action. */
export interface GatewayRequest extends IncomingMessage {
  $ctx: Context<unknown, Meta>;
  originalUrl: string;
}

/** What moleculer-apollo-server's resolvers expect to find in the GraphQL context. */
interface GraphqlContext extends Record<PropertyKey, unknown> {
  ctx: Context<unknown, Meta>;
  dataLoaders: Map<string, unknown>;
  keys: IdempotencyKeys;
}

const jsonType = "application/json; charset=utf-8";

/** Larger bodies are refused before they are read to their end. */
const maxBodyBytes = 1_048_576;

/** Serves a schema by the GraphQL-over-HTTP specification, as graphql-http implements it. */
export function graphqlOverHttp(schema: GraphQLSchema, authenticator: Authenticator) {
  const handle = createHandler<GatewayRequest, undefined, GraphqlContext>({
    schema,
    parse: (source, options) => {
      try {
        return parse(source, options);
      } catch (error) {
        // Anything else is the parser's stack, which ended before the document did.
        const syntaxError =
          error instanceof GraphQLError
            ? error
            : new GraphQLError("The document is nested too deeply.");
        throw withCode(syntaxError, "GRAPHQL_PARSE_FAILED");
      }
    },
    validate: (...args) =>
      validate(...args).map((error) =>
        error.extensions.code === undefined ? withCode(error, "GRAPHQL_VALIDATION_FAILED") : error,
      ),
    validationRules: [queryCostRule],
    async context({ raw }) {
      const { $ctx: ctx, headers } = raw;
      ctx.meta.viewer = await authenticator.viewerOf(headers.authorization);
      ctx.meta.address = raw.socket.remoteAddress ?? "";
      const keys = new IdempotencyKeys(headers["idempotency-key"]);
      return { ctx, dataLoaders: new Map(), keys };
    },
    onOperation({ raw }, _args, result) {
      if (result.errors === undefined) return;
      const { broker, requestID } = raw.$ctx;
      const errors = result.errors.map((error) =>
        clientError(error, requestID ?? "", (fault) => {
          broker.logger.error(`request ${requestID ?? ""} failed`, fault);
        }),
      );
      return { ...result, errors };
    },
    formatError(error) {
      if (error instanceof GraphQLError && error.extensions.code !== undefined) return error;
      return badRequest(error.message);
    },
  });

  return async (req: GatewayRequest, res: ServerResponse): Promise<void> => {
    const body = req.method === "POST" ? await readBody(req) : null;
    if (body === undefined) {
      tooLarge(res);
      return;
    }
    const [text, { status, statusText, headers }] = await handle({
      method: req.method ?? "GET",
      url: req.originalUrl,
      headers: req.headers,
      body,
      raw: req,
      context: undefined,
    });
    if (headers?.["content-type"] === undefined) {
      // graphql-http's own words: wrong method, wrong media type. They carry no code.
      const answer = JSON.stringify({ errors: [badRequest(statusText)] });
      res.writeHead(status, { ...headers, "content-type": jsonType }).end(answer);
      return;
    }
    res.writeHead(status, statusText, headers).end(text);
  };
}

function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, null, null, null, null, null, { code: "BAD_REQUEST" });
}

/** Reads the body as UTF-8; undefined when it is larger than allowed. */
async function readBody(req: IncomingMessage): Promise<string | undefined> {
  if (Number(req.headers["content-length"]) > maxBodyBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(res: ServerResponse): void {
  const code = "QUERY_TOO_COMPLEX";
  const message = `The request body is larger than ${maxBodyBytes} bytes.`;
  const errors = [{ message, extensions: { code, limit: maxBodyBytes } }];
  // What is still coming is not read, so the connection is of no more use.
  res
    .writeHead(errorCatalogue[code].status, {
      "content-type": jsonType,
      connection: "close",
    })
    .end(JSON.stringify({ errors }));
}
