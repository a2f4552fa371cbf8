import { useRef, useState } from "react";
import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryClient,
  type UseMutationOptions,
} from "@tanstack/react-query";
import type { DocumentNode } from "graphql";
import type {
  Arguments,
  RequestOptions,
  TypedDocument,
} from "../../../../clients/typescript/src/index.ts";
import { withoutQuestion } from "../unsaved/unsaved-edits.ts";
import { sessionState } from "../session/session-store.ts";
import { keyOf } from "./documents.ts";
import { isDenied } from "./error-text.ts";
import { MutationSender } from "./mutation-sender.ts";
import { shop } from "./shop.ts";
import { assertReachable } from "./watched-fetch.ts";

interface QueryOptions {
  /** The query is not sent while this is false. */
  enabled?: boolean;
  /** Sends the query again at this interval while the page is visible. */
  refetchInterval?: number | (() => number);
  /** Tells whether the query is sent again after an error; without it, it is not. */
  retry?: (failures: number, error: Error) => boolean;
  retryDelay?: number;
}

function send<Data, Variables>(
  document: TypedDocument<Data, Variables>,
  variables: Variables,
  options: RequestOptions = {},
): Promise<Data> {
  const arguments_ = [variables, options] as Arguments<Variables, RequestOptions>;
  return shop.execute(document, ...arguments_);
}

/** Tells whether an error hides what was read before it: not under a form that waits for a sign-in. */
function isHidden(error: unknown): boolean {
  return isDenied(error) && sessionState().pausedUserId === undefined;
}

/** Sends a query and caches its result by document and variables. */
export function useShopQuery<Data, Variables extends object>(
  document: TypedDocument<Data, Variables>,
  variables: Variables,
  options: QueryOptions = {},
) {
  const query = useQuery({
    queryKey: keyOf(document, variables),
    queryFn: ({ signal }) => send(document, variables, { signal }),
    ...options,
  });
  return isHidden(query.error) ? { ...query, data: undefined } : query;
}

/** The part of a connection that paging needs. */
interface Page<Node> {
  nodes: readonly Node[];
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
  totalCount?: number;
  totalCountIsExact?: boolean;
}

/** How many rows a connection has. A count that is not exact is the least. */
export interface Total {
  count: number;
  isExact: boolean;
}

function totalOf({ totalCount, totalCountIsExact }: Page<unknown>): Total | undefined {
  if (totalCount === undefined) return undefined;
  return { count: totalCount, isExact: totalCountIsExact !== false };
}

/**
 * Reads the pages of a connection one after the other. `pages` keeps the rows page by page, so that a
 * list renders only its new page. `total` is known if the document selects `totalCount`.
 */
export function useShopPages<Data, Variables extends object, Node>(
  document: TypedDocument<Data, Variables>,
  variables: Omit<Variables, "after">,
  connectionOf: (data: Data) => Page<Node>,
  options: QueryOptions = {},
) {
  const query = useInfiniteQuery({
    queryKey: keyOf(document, variables),
    queryFn: ({ pageParam, signal }) =>
      send(document, { ...variables, after: pageParam } as unknown as Variables, { signal }),
    // It would send a query for each page.
    refetchOnWindowFocus: false,
    initialPageParam: undefined as string | undefined,
    getNextPageParam(last) {
      const { hasNextPage, endCursor } = connectionOf(last).pageInfo;
      return hasNextPage ? (endCursor ?? undefined) : undefined;
    },
    ...options,
  });
  const pages = isHidden(query.error) ? [] : (query.data?.pages ?? []);
  const connections = pages.map(connectionOf);
  const [first] = connections;
  return {
    ...query,
    pages: connections.map(({ nodes }) => nodes),
    total: first && totalOf(first),
  };
}

interface MutationOptions<Data, Variables> {
  /** The queries whose results the mutation changes: they are sent again. */
  invalidates?: readonly DocumentNode[];
  onSuccess?: (data: Data, variables: Variables) => void;
}

/** Sends again what is on the page, of these documents. */
export async function invalidate(
  client: QueryClient,
  documents: readonly DocumentNode[],
): Promise<void> {
  await Promise.all(
    documents.map((document) => client.invalidateQueries({ queryKey: keyOf(document) })),
  );
}

/**
 * Like `useMutation`, but a call while another one is running joins it. The button is disabled only
 * when the page is rendered again: without this, a double click would have two effects.
 */
export function useSingleMutation<Data, Variables>(
  options: UseMutationOptions<Data, Error, Variables>,
) {
  const running = useRef<Promise<Data>>(undefined);
  const mutation = useMutation(options);
  const mutateAsync: typeof mutation.mutateAsync = (...call) => {
    running.current ??= mutation.mutateAsync(...call).finally(() => {
      running.current = undefined;
    });
    return running.current;
  };
  const mutate: typeof mutation.mutate = (...call) => {
    // The result has the error.
    mutateAsync(...call).catch(() => undefined);
  };
  return { ...mutation, mutate, mutateAsync };
}

/**
 * Returns what sends the mutations of a component. It repeats a mutation with its idempotency key while
 * the component is on the page.
 */
export function useMutationSender(): MutationSender {
  const [sender] = useState(
    () =>
      new MutationSender({
        assertReachable,
        execute: (document, variables, idempotencyKey) =>
          send(document, variables, { idempotencyKey }),
        userId: () => sessionState().userId,
      }),
  );
  return sender;
}

/** Sends a mutation. If its outcome is unknown, another call with the same variables repeats it. */
export function useShopMutation<Data, Variables extends object>(
  document: TypedDocument<Data, Variables>,
  { invalidates = [], onSuccess }: MutationOptions<Data, Variables> = {},
) {
  const client = useQueryClient();
  const sender = useMutationSender();
  return useSingleMutation({
    mutationFn: (variables: Variables) => sender.send(document, variables),
    async onSuccess(data, variables) {
      withoutQuestion(() => onSuccess?.(data, variables));
      await invalidate(client, invalidates);
    },
  });
}
