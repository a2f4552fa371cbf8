/*
 * In the place of Monaco's diff editors, which the playground does not open: the module of Monaco's API
 * imports them, although nothing else needs them.
 */
export class DiffEditorWidget {}
export class MultiDiffEditorWidget {}
