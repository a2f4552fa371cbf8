/** The texts that several parts of the console use. */
export const commonTexts = {
  shop: "Shop",
  loading: "Loading…",
  loadedLater: "This is loaded when the connection is back.",
  loadingFailed: "This could not be loaded",
  missingText: "The address may have a typing error, or what it showed is gone.",
  tryAgain: "Try again",
  close: "Close",
  keep: "Keep as it is",
  showMore: "Show more",
  crashTitle: "Something went wrong on this page",
  crashText: "Reload the page. Your basket is kept.",
  reload: "Reload",
  notLoadedTitle: "This page could not be loaded",
  notLoadedText:
    "The shop cannot be reached. The page is loaded when the connection is back. Your basket is kept.",
  fieldRequired: "Fill in this field.",
  notFoundTitle: "There is no such page",
  toCatalogue: "Go to the catalogue",
};
