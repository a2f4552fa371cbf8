import { examples, welcome } from "./examples.js";

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
  const token = answer?.data?.login?.token;
  if (typeof token !== "string") return;
  tokenInput.value = token;
  keepToken(token, "Taken from login");
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
 * GraphiQL's fetcher: sends one operation and answers what the result pane shows. Never rejects.
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

/** Connects the example chooser to GraphiQL's tabs, which only a component inside it reaches. */
function ExampleOpener() {
  const { addTab, queryEditor } = GraphiQL.React.useEditorContext({ nonNull: true });

  React.useEffect(() => {
    if (!queryEditor) return undefined;

    const open = () => {
      const example = examples.find(({ name }) => name === exampleChooser.value);
      // Back to the prompt, so that the same example can be opened again.
      exampleChooser.value = "";
      if (!example) return;
      // All tabs share one editor: the new tab has to be there before the text is replaced.
      ReactDOM.flushSync(addTab);
      queryEditor.setValue(example.query);
      queryEditor.focus();
    };
    exampleChooser.addEventListener("change", open);
    exampleChooser.disabled = false;
    return () => exampleChooser.removeEventListener("change", open);
  }, [addTab, queryEditor]);

  return null;
}

exampleChooser.append(...examples.map(({ name }) => new Option(name)));

ReactDOM.createRoot(document.querySelector("#graphiql")).render(
  React.createElement(
    GraphiQL,
    {
      fetcher: send,
      defaultTabs: [{ query: welcome }],
      // Of the tabs that are opened later; GraphiQL's own is a page of instructions.
      defaultQuery: "",
      // What is typed here includes passwords: it must not outlive the browser tab.
      storage: sessionStorage,
    },
    React.createElement(ExampleOpener),
  ),
);
