import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { addressGroup } from "../../../core/network/caller-address.ts";
import { pathOf, toOriginForm } from "../../../core/network/request-target.ts";
import type { GatewayParts } from "../subscriptions/transports/live-client.ts";
import type { BrowserRules } from "./browser-rules.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import type { GraphqlOverHttp } from "./graphql/graphql-http.ts";
import { dropBody } from "./graphql/request-body.ts";
import { healthPaths } from "./health.ts";
import { sendHttpError } from "./http-errors.ts";
import { sendFailure, setHeaders } from "./http-server.ts";
import { inHttpSpan } from "./http-span.ts";
import { answersOtherMethod, routeOf } from "./pages.ts";
import { headFaultOf } from "./request-head.ts";

/** What the handler needs from the gateway. */
interface HandlerParts extends Pick<GatewayParts, "addressOf" | "logger" | "requestLog"> {
  rules: BrowserRules;
  connectionLimits: ConnectionLimits;
  /** Returns false for a request that it has rejected. */
  admitsPage: (address: string, res: ServerResponse) => boolean;
  /** Returns true for a request that it has answered. */
  isHealthCheck: (req: IncomingMessage, res: ServerResponse) => boolean;
  graphql: GraphqlOverHttp;
  /** Answers a request for a page by moleculer-web. */
  page: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  pageAliases: Record<string, unknown>;
}

/** The URL of GraphQL. `/query` is the path of the original shop. */
export const graphqlUrl = /^\/(?:graphql|query)\/?(?:\?|$)/;

/** Makes the handler of all requests: those of GraphQL, health checks and pages. */
export function requestHandler(parts: HandlerParts): RequestListener {
  const { rules, connectionLimits, addressOf, admitsPage, requestLog } = parts;

  const answered = (req: IncomingMessage, res: ServerResponse, answer: Promise<void>) => {
    answer.catch((error: unknown) => {
      sendFailure(parts.logger, error, req, res);
    });
  };

  function answerPage(req: IncomingMessage, res: ServerResponse): void {
    dropBody(req);
    setHeaders(res, rules.headersFor(req));
    const path = pathOf(req);
    const route = healthPaths.includes(path) ? path : routeOf(path, parts.pageAliases);
    requestLog.follow(req, res, route);
    if (parts.isHealthCheck(req, res)) return;
    if (!admitsPage(addressGroup(addressOf(req)), res)) return;
    if (answersOtherMethod(req, res, route !== undefined)) return;
    const answer = () => parts.page(req, res);
    // A scrape is background work, which has no trace. It may be most of the requests.
    answered(req, res, route === "/metrics" ? answer() : inHttpSpan(req, res, route, answer));
  }

  return (req, res) => {
    if (!connectionLimits.admit(req, res)) return;
    const fault = headFaultOf(req);
    if (fault !== undefined) {
      dropBody(req);
      if (!admitsPage(addressGroup(addressOf(req)), res)) return;
      sendHttpError(res, [...rules.headersFor(req)], fault);
      return;
    }
    toOriginForm(req);
    if (rules.answersPreflight(req, res)) {
      dropBody(req);
      return;
    }
    // Node omits the body of the response to HEAD.
    const isHead = req.method === "HEAD";
    if (isHead) req.method = "GET";
    if (graphqlUrl.test(req.url ?? "")) {
      const answer = () => parts.graphql.handle(req, res, isHead);
      answered(req, res, inHttpSpan(req, res, "/graphql", answer));
    } else answerPage(req, res);
  };
}
