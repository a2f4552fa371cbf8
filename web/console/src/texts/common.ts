/** The texts that several parts of the console use. */
export const commonTexts = {
  shop: "Shop",
  loading: "Loading…",
  loadingFailed: "This could not be loaded",
  tryAgain: "Try again",
  close: "Close",
  keep: "Keep as it is",
  showMore: "Show more",
  crashTitle: "Something went wrong on this page",
  crashText: "Reload the page. Your basket is kept.",
  reload: "Reload",
  fieldRequired: "Fill in this field.",
  notFoundTitle: "There is no such page",
  notFoundText: "The address may have a typing error, or what it showed is gone.",
  toCatalogue: "Go to the catalogue",
};
