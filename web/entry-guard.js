// An inline script of each page. While the shop is upgraded, a load balancer can take the page from a
// gateway of one version and its files from another one, which does not have them: without this
// script, the page would stay empty.
{
  const key = "shop-page-loads";
  const maxLoads = 10;
  let hasFailed = false;

  const show = () => {
    const text = document.createElement("p");
    text.setAttribute("role", "alert");
    text.textContent = "The page could not be loaded. The shop may be changing to a new version. ";
    const button = document.createElement("button");
    button.textContent = "Reload";
    button.addEventListener("click", () => location.reload());
    text.append(button);
    document.body.prepend(text);
  };

  const loadAgain = async () => {
    const loads = Number(sessionStorage.getItem(key)) + 1;
    if (loads > maxLoads) return;
    sessionStorage.setItem(key, String(loads));
    await new Promise((resolve) => setTimeout(resolve, loads * 1_000));
    // Without a connection, a reload would end in the browser's own error page.
    const answer = await fetch(location.href, { cache: "no-store" }).catch(() => undefined);
    if (answer?.ok === true) location.reload();
    else await loadAgain();
  };

  const onError = ({ target }) => {
    const isFile = target instanceof HTMLScriptElement || target instanceof HTMLLinkElement;
    if (!isFile || hasFailed) return;
    hasFailed = true;
    if (document.body === null) addEventListener("DOMContentLoaded", show);
    else show();
    void loadAgain();
  };

  // Errors of elements do not bubble.
  addEventListener("error", onError, true);
  // Later files are those of single pages, which handle their errors themselves.
  addEventListener("page-started", () => {
    removeEventListener("error", onError, true);
    if (!hasFailed) sessionStorage.removeItem(key);
  });
}
