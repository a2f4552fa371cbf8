import { join, relative } from "node:path";
import ts from "typescript";
import { projectDir } from "../../../tools/support/processes.ts";

/** A column as the row type of a statement declares it. */
export interface RowProperty {
  isOptional: boolean;
  isNullable: boolean;
  /** Whether a value of one of these kinds fits the property. */
  takes: Record<ValueKind, boolean>;
}

/** What JavaScript makes of PostgreSQL's types. */
export type ValueKind = "number" | "string" | "boolean" | "Date" | "Buffer" | "array" | "json";

/** A call of `query(sql, bind)`. */
export interface Statement {
  /** `folder/file.ts:line` */
  place: string;
  /** Undefined where it is put together from parts. */
  sql: string | undefined;
  /** Undefined where the call reads no column. */
  row: Map<string, RowProperty> | undefined;
}

const folders = /^(?:database|event-log|mixins|services)\//;

/** Finds all statements of the product with the row types that TypeScript sees there. */
export async function findStatements(): Promise<Statement[]> {
  const { config } = ts.readConfigFile(join(projectDir, "tsconfig.json"), (path) =>
    ts.sys.readFile(path),
  ) as { config: object };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, projectDir);
  const own = fileNames.filter((file) => folders.test(relative(projectDir, file)));
  const program = ts.createProgram(own, options);
  const checker = program.getTypeChecker();
  const statements: Promise<Statement>[] = [];
  for (const file of own) {
    const source = program.getSourceFile(file);
    if (source === undefined) throw new Error(`TypeScript does not find ${file}`);
    forEachCall(source, (call) => {
      const row = rowTypeOf(checker, call);
      if (row !== undefined) statements.push(describe(checker, source, call, row));
    });
  }
  return Promise.all(statements);
}

function forEachCall(node: ts.Node, visit: (call: ts.CallExpression) => void): void {
  if (ts.isCallExpression(node)) visit(node);
  node.forEachChild((child) => {
    forEachCall(child, visit);
  });
}

/** The type of a row where this is a call of a `Query`: that is known by its parameters. */
function rowTypeOf(checker: ts.TypeChecker, call: ts.CallExpression): ts.Type | undefined {
  const callee = ts.isPropertyAccessExpression(call.expression)
    ? call.expression.name
    : call.expression;
  if (!ts.isIdentifier(callee) && !ts.isPrivateIdentifier(callee)) return undefined;
  if (!/query$/i.test(callee.text)) return undefined;
  const signature = checker.getResolvedSignature(call);
  const names = signature?.parameters.map(({ name }) => name).join();
  if (signature === undefined || names !== "sql,bind") return undefined;
  const promised = argumentOf(checker, signature.getReturnType());
  return promised && argumentOf(checker, promised);
}

function argumentOf(checker: ts.TypeChecker, type: ts.Type): ts.Type | undefined {
  return checker.getTypeArguments(type as ts.TypeReference)[0];
}

async function describe(
  checker: ts.TypeChecker,
  source: ts.SourceFile,
  call: ts.CallExpression,
  row: ts.Type,
): Promise<Statement> {
  const { line } = source.getLineAndCharacterOfPosition(call.getStart());
  const [sql] = call.arguments;
  const properties = checker.getPropertiesOfType(row).map((property) => {
    const type = checker.getTypeOfSymbol(property);
    return [property.name, propertyOf(checker, property, type)] as const;
  });
  return {
    place: `${relative(projectDir, source.fileName)}:${line + 1}`,
    sql: sql && (await textOf(checker, sql)),
    // A type parameter of a function that reads the rows of others has no properties either.
    row: properties.length === 0 ? undefined : new Map(properties),
  };
}

function propertyOf(checker: ts.TypeChecker, property: ts.Symbol, type: ts.Type): RowProperty {
  const value = checker.getNonNullableType(type);
  const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
  const fits = (target: ts.Type) => checker.isTypeAssignableTo(value, target);
  const name = (value.symbol as ts.Symbol | undefined)?.name;
  return {
    isOptional,
    isNullable: checker.isTypeAssignableTo(checker.getNullType(), type),
    takes: {
      number: fits(checker.getNumberType()),
      string: fits(checker.getStringType()),
      boolean: fits(checker.getBooleanType()),
      Date: name === "Date",
      Buffer: name === "Buffer",
      array: checker.isArrayType(value),
      json: true,
    },
  };
}

/** The text of an expression: a literal, a constant, or a template with column lists in it. */
async function textOf(
  checker: ts.TypeChecker,
  expression: ts.Expression,
): Promise<string | undefined> {
  if (ts.isStringLiteralLike(expression)) return expression.text;
  if (ts.isTemplateExpression(expression)) {
    const parts = expression.templateSpans.map(async ({ expression: inner, literal }) => {
      const text = await textOf(checker, inner);
      return text === undefined ? undefined : text + literal.text;
    });
    const texts = await Promise.all(parts);
    return texts.includes(undefined) ? undefined : expression.head.text + texts.join("");
  }
  if (!ts.isIdentifier(expression)) return undefined;
  const symbol = checker.getSymbolAtLocation(expression);
  if (symbol === undefined) return undefined;
  const isImported = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
  const { valueDeclaration } = isImported ? checker.getAliasedSymbol(symbol) : symbol;
  if (valueDeclaration === undefined || !ts.isVariableDeclaration(valueDeclaration))
    return undefined;
  if (isImported) {
    const { fileName } = valueDeclaration.getSourceFile();
    const module = (await import(fileName)) as Record<string, unknown>;
    const value = module[valueDeclaration.name.getText()];
    return typeof value === "string" ? value : undefined;
  }
  return valueDeclaration.initializer && textOf(checker, valueDeclaration.initializer);
}
