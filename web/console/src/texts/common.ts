/** The texts that several parts of the console use. */
export const commonTexts = {
  shop: "Shop",
  loading: "Loading…",
  loadedLater: "This is loaded when the connection is back.",
  loadingFailed: "This could not be loaded",
  missingText: "The address may have a typing error, or what it showed is gone.",
  tryAgain: "Try again",
  close: "Close",
  goBack: "Go back",
  showMore: "Show more",
  crashTitle: "Something went wrong on this page",
  crashText: "Reload the page. Your basket is kept.",
  reload: "Reload",
  notLoadedTitle: "This page could not be loaded",
  notLoadedText:
    "The shop cannot be reached. The page is loaded when the connection is back. Your basket is kept.",
  unsavedTitle: "Discard your changes?",
  unsavedText: "They are not saved, and they are lost when you leave.",
  keepEditing: "Keep editing",
  discardEdits: "Discard changes",
  fieldRequired: "Fill in this field.",
  quantityCorrected: (quantity: number) =>
    `Enter a whole number of at least 1. The quantity is now ${quantity}.`,
  notFoundTitle: "There is no such page",
  toCatalogue: "Go to the catalogue",
};
