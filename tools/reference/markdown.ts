/** Returns a Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Returns a plain text as Markdown, with these names as code (`NAME`, `NAME=value`). */
export function proseOf(text: string, names: readonly string[]): string {
  const name = new RegExp(`(?<![\`\\w])(?:${names.join("|")})(?:=\\w+)?(?![\`\\w])`, "g");
  return text.replaceAll("<", "&lt;").replace(name, (found) => `\`${found}\``);
}
