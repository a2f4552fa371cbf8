/*
 * In the place of Monaco's diff editors, which the playground does not open: the module of Monaco's API
 * imports them, although nothing else needs them.
 */
function NoDiffEditor(): never {
  throw new Error("The playground has no diff editors.");
}

export { NoDiffEditor as DiffEditorWidget, NoDiffEditor as MultiDiffEditorWidget };
