import { examples, welcome } from "./examples.js";
import { createClient } from "./graphql-ws/client.js";

/** @typedef {import("./examples.js").Example} Example */

// The UMD bundles, loaded before this module, leave their exports here.
const { React, ReactDOM, GraphiQL } = globalThis;

const endpoint = "/graphql";
const tokenKey = "shop-token";
/** Of an answer that is not JSON, how many characters are shown. */
const shownCharacters = 1000;

const exampleChooser = document.querySelector("#examples");
const tokenInput = document.querySelector("#token");
const tokenStatus = document.querySelector("#token-status");

tokenInput.value = sessionStorage.getItem(tokenKey) ?? "";
tokenInput.addEventListener("input", () => keepToken(tokenInput.value, ""));

/**
 * Keeps the token for as long as the browser tab lives.
 * @param {string} token
 * @param {string} status what is said next to the field
 */
function keepToken(token, status) {
  sessionStorage.setItem(tokenKey, token);
  tokenStatus.textContent = status;
}

/**
 * Puts the token into its field when the answer is that of a login.
 * @param {any} answer
 */
function takeToken(answer) {
  const { login, refreshToken } = answer?.data ?? {};
  const token = (login ?? refreshToken)?.token;
  if (typeof token !== "string") return;
  tokenInput.value = token;
  keepToken(token, login ? "Taken from login" : "Taken from refreshToken");
}

/**
 * @param {Record<string, string>} [fromEditor] GraphiQL's "Headers"; they win over the page's own
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
 * The shape of a GraphQL answer, for failures that have none. GraphiQL would show a thrown error
 * together with its stack.
 * @param {string} message
 * @param {object} [extensions]
 */
function failure(message, extensions) {
  return { errors: [{ message, extensions }] };
}

/**
 * GraphiQL's fetcher: one answer for queries and mutations, an iterator of them for subscriptions.
 * @param {{ query: string, variables?: object, operationName?: string }} operation
 * @param {{ headers?: Record<string, string> }} [options]
 */
function fetcher(operation, options) {
  return isSubscription(operation) ? listen(operation) : send(operation, options);
}

/**
 * By the text itself: the parsed document that GraphiQL gives may be the one before.
 * @param {{ query: string, operationName?: string }} operation
 */
function isSubscription({ query, operationName }) {
  const text = query.replaceAll(/#.*$/gm, "");
  return operationName
    ? new RegExp(`\\bsubscription\\s+${operationName}\\b`).test(text)
    : /^\s*subscription\b/.test(text);
}

/**
 * Gives what a subscription brings, over a connection of its own, until GraphiQL stops it. Not a
 * generator: one that waits for the next event cannot be stopped.
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
  let isOver = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (isOver) return { done: true, value: undefined };
      try {
        return await results.next();
      } catch (error) {
        isOver = true;
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
 * Why a connection has ended: what its last message says, if there was one.
 * @param {unknown} event
 */
function socketFailure(event) {
  const reason = event instanceof CloseEvent ? event.reason : "";
  return reason || "The connection for the subscription has failed.";
}

/**
 * Sends one operation and answers what the result pane shows. Never rejects.
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
    const answer = parse(response, await response.text());
    takeToken(answer);
    return answer;
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
    return failure(`The server's answer (${status}) is not JSON.`, {
      body: body.slice(0, shownCharacters),
    });
  }
}

/**
 * Opens a tab with the example that was chosen. GraphiQL's tabs are in reach of its descendants
 * only, hence a component that shows nothing.
 * @param {{ example: Example | undefined, onOpened: () => void }} props
 */
function ExampleOpener({ example, onOpened }) {
  const { addTab, queryEditor } = GraphiQL.React.useEditorContext({ nonNull: true });

  React.useEffect(() => {
    if (!queryEditor) return;
    queryEditor.setOption("lineWrapping", true);
    exampleChooser.disabled = false;
  }, [queryEditor]);

  React.useEffect(() => {
    if (!example) return;
    addTab();
    onOpened();
  }, [example, addTab, onOpened]);

  return null;
}

/** GraphiQL, and the example that is about to be opened in it. */
function Playground() {
  const [example, setExample] = React.useState();
  const onOpened = React.useCallback(() => setExample(undefined), []);

  React.useEffect(() => {
    const choose = () => {
      setExample(examples.find(({ name }) => name === exampleChooser.value));
      // Back to the prompt, so that the same example can be opened again.
      exampleChooser.value = "";
    };
    exampleChooser.addEventListener("change", choose);
    return () => exampleChooser.removeEventListener("change", choose);
  }, []);

  return React.createElement(
    GraphiQL,
    {
      fetcher,
      defaultTabs: [{ query: welcome }],
      // What a new tab holds. Opened empty and filled afterwards, a tab may lose the text again:
      // React repeats the opening when an edit of the tab before was waiting to be stored.
      defaultQuery: example?.query ?? "",
      // What is typed here includes passwords: it must not outlive the browser tab.
      storage: sessionStorage,
    },
    React.createElement(ExampleOpener, { example, onOpened }),
  );
}

exampleChooser.append(...examples.map(({ name }) => new Option(name)));

ReactDOM.createRoot(document.querySelector("#graphiql")).render(React.createElement(Playground));
