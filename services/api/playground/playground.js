import { exampleGroups, welcome } from "./examples.js";
import { createClient } from "./graphql-ws/client.js";
import { openMenu } from "./menu.js";

/** @typedef {import("./examples.js").Example} Example */

// The UMD bundles are loaded before this module and assign their exports to globalThis.
const { React, ReactDOM, GraphiQL } = globalThis;

const endpoint = "/graphql";
const tokenKey = "shop-token";
/** Displayed characters of a response that is not JSON. */
const shownCharacters = 1000;

const examplesButton = document.querySelector("#examples");
const tokenInput = document.querySelector("#token");
const tokenStatus = document.querySelector("#token-status");

tokenInput.value = sessionStorage.getItem(tokenKey) ?? "";
tokenInput.addEventListener("input", () => keepToken(tokenInput.value, ""));

/**
 * Stores the token until the browser tab is closed.
 * @param {string} token
 * @param {string} status the text next to the token field
 */
function keepToken(token, status) {
  sessionStorage.setItem(tokenKey, token);
  tokenStatus.textContent = status;
}

/**
 * Puts the token of a login or refreshToken response into its field.
 * @param {any} response
 */
function takeToken(response) {
  const { login, refreshToken } = response?.data ?? {};
  const token = (login ?? refreshToken)?.token;
  if (typeof token !== "string") return;
  tokenInput.value = token;
  keepToken(token, login ? "Taken from login" : "Taken from refreshToken");
}

/**
 * The values of placeholders that earlier answers have given.
 * @type {Map<string, string>}
 */
const knownValues = new Map();

/**
 * Keeps the values that the next examples need, so that no id has to be copied by hand.
 * @param {any} response
 */
function takeValues(response) {
  const { createProduct, placeOrder, login, refreshToken, productsConnection } =
    response?.data ?? {};
  const values = {
    PRODUCT_ID: createProduct?.id ?? productsConnection?.nodes?.[0]?.id,
    ORDER_ID: placeOrder?.id,
    REFRESH_TOKEN: (login ?? refreshToken)?.refreshToken,
    CURSOR: productsConnection?.pageInfo?.endCursor,
  };
  for (const [placeholder, value] of Object.entries(values)) {
    if (typeof value === "string") knownValues.set(placeholder, value);
  }
}

/**
 * @param {Example} example
 * @returns {Example} with the known values
 */
function filledIn({ name, query }) {
  const known = query.replace(/"([A-Z_]+)"/g, (text, placeholder) => {
    const value = knownValues.get(placeholder);
    return value === undefined ? text : `"${value}"`;
  });
  return { name, query: known };
}

/**
 * @param {Record<string, string>} [fromEditor] GraphiQL's "Headers", which override the page's
 * @returns {Headers}
 */
function requestHeaders(fromEditor = {}) {
  const headers = new Headers({
    "content-type": "application/json",
    accept: "application/graphql-response+json, application/json",
  });
  const token = tokenInput.value.trim();
  if (token) headers.set("authorization", /^Bearer /i.test(token) ? token : `Bearer ${token}`);
  for (const [name, value] of Object.entries(fromEditor)) headers.set(name, value);
  return headers;
}

/**
 * Makes a GraphQL response for a failed request. GraphiQL would display a thrown error with its
 * stack.
 * @param {string} message
 * @param {object} [extensions]
 */
function failure(message, extensions) {
  return { errors: [{ message, extensions }] };
}

/**
 * GraphiQL's fetcher. Returns a response for queries and mutations, an iterator for subscriptions.
 * @param {{ query: string, variables?: object, operationName?: string }} operation
 * @param {{ headers?: Record<string, string> }} [options]
 */
function fetcher(operation, options) {
  const known = withKnownName(operation);
  return isSubscription(known) ? listen(known) : send(known, options);
}

/**
 * Removes a name that the text does not have: GraphiQL may pass that of the previous document.
 * @param {{ query: string, variables?: object, operationName?: string }} operation
 */
function withKnownName({ operationName, ...operation }) {
  const text = operation.query.replaceAll(/#.*$/gm, "");
  const named = new RegExp(`\\b(?:query|mutation|subscription)\\s+${operationName}\\b`);
  return operationName && named.test(text) ? { ...operation, operationName } : operation;
}

/**
 * Examines the text: the parsed document that GraphiQL passes may be the previous document.
 * @param {{ query: string, operationName?: string }} operation
 */
function isSubscription({ query, operationName }) {
  const text = query.replaceAll(/#.*$/gm, "");
  return operationName
    ? new RegExp(`\\bsubscription\\s+${operationName}\\b`).test(text)
    : /^\s*subscription\b/.test(text);
}

/**
 * Iterates the results of a subscription over its own connection, until GraphiQL stops it. Not a
 * generator, which cannot be stopped while it waits for the next event.
 * @param {{ query: string, variables?: object, operationName?: string }} operation
 */
function listen(operation) {
  const token = tokenInput.value.trim();
  const client = createClient({
    url: new URL(endpoint, location.href.replace(/^http/, "ws")).href,
    connectionParams: token ? { authorization: token } : {},
    retryAttempts: 0,
  });
  const results = client.iterate(operation);
  let isFailed = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (isFailed) return { done: true, value: undefined };
      try {
        return await results.next();
      } catch (error) {
        isFailed = true;
        const value = Array.isArray(error) ? { errors: error } : failure(socketFailure(error));
        return { done: false, value };
      }
    },
    async return() {
      await results.return();
      await client.dispose();
      return { done: true, value: undefined };
    },
  };
}

/**
 * Returns the reason of a close event, or a general message.
 * @param {unknown} event
 */
function socketFailure(event) {
  const reason = event instanceof CloseEvent ? event.reason : "";
  return reason || "The connection for the subscription has failed.";
}

/**
 * Sends one operation and returns the response for the result pane. Never rejects.
 * @param {{ query: string, variables?: object, operationName?: string }} operation
 * @param {{ headers?: Record<string, string> }} [options]
 */
async function send(operation, options) {
  try {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: requestHeaders(options?.headers),
      body: JSON.stringify(operation),
    });
    const result = parse(response, await response.text());
    takeToken(result);
    takeValues(result);
    return result;
  } catch (error) {
    return failure(`The request could not be completed: ${error.message}`);
  }
}

/**
 * @param {Response} response
 * @param {string} body
 */
function parse(response, body) {
  try {
    return JSON.parse(body);
  } catch {
    const status = `${response.status} ${response.statusText}`.trim();
    return failure(`The response (${status}) is not JSON.`, {
      body: body.slice(0, shownCharacters),
    });
  }
}

/**
 * Leaves Tab to the browser: the editors would indent with it, and the keyboard could not leave them.
 * @param {{ setOption(name: string, value: unknown): void, getOption(name: string): any }} editor
 */
function freeTab(editor) {
  const extraKeys = { ...editor.getOption("extraKeys"), Tab: false, "Shift-Tab": false };
  editor.setOption("extraKeys", extraKeys);
}

/**
 * Opens a tab with the chosen example. Only descendants of GraphiQL can access its tabs, hence a
 * component that renders nothing.
 * @param {{ example: Example | undefined, onOpened: () => void }} props
 */
function ExampleOpener({ example, onOpened }) {
  const { addTab, queryEditor, variableEditor, headerEditor, responseEditor } =
    GraphiQL.React.useEditorContext({ nonNull: true });

  React.useEffect(() => {
    for (const editor of [queryEditor, variableEditor, headerEditor, responseEditor]) {
      if (editor) freeTab(editor);
    }
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);

  React.useEffect(() => {
    if (!queryEditor) return;
    queryEditor.setOption("lineWrapping", true);
    examplesButton.disabled = false;
  }, [queryEditor]);

  React.useEffect(() => {
    if (!example || !queryEditor) return;
    addTab();
    onOpened();
    queryEditor.focus();
  }, [example, queryEditor, addTab, onOpened]);

  return null;
}

/** Renders GraphiQL, and opens chosen examples in it. */
function Playground() {
  const [example, setExample] = React.useState();
  const onOpened = React.useCallback(() => setExample(undefined), []);

  React.useEffect(
    () => openMenu(examplesButton, exampleGroups, (chosen) => setExample(filledIn(chosen))),
    [],
  );

  return React.createElement(
    GraphiQL,
    {
      fetcher,
      defaultTabs: [{ query: welcome }],
      // The content of a new tab. A tab that is opened empty and filled later may lose its text: React
      // repeats the opening if an edit of the previous tab was not stored yet.
      defaultQuery: example?.query ?? "",
      // The input includes passwords, which must not outlive the browser tab.
      storage: sessionStorage,
    },
    React.createElement(ExampleOpener, { example, onOpened }),
  );
}

ReactDOM.createRoot(document.querySelector("#graphiql")).render(React.createElement(Playground));
