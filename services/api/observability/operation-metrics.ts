import type { ExecutionResult, GraphQLError, GraphQLSchema } from "graphql";
import { commonErrors, definitionOf, publicCodeOf } from "../../../core/errors.ts";
import type { Family, Instruments } from "../../../core/metrics/instruments.ts";
import type { Counter, Histogram } from "../../../core/metrics/series.ts";
import { clientClosedRequest } from "../limits/deadline.ts";
import { DocumentError, formatError } from "../graphql/graphql-errors.ts";
import type { SelectionPlan } from "../graphql/engine/plan.ts";

export type OperationKind = "query" | "mutation" | "subscription";

/** An operation that was executed, or rejected before. */
export interface OperationReport {
  /** Undefined for a rejected operation. */
  kind?: OperationKind;
  /** The name that the client gave it. */
  name?: string | undefined;
  /** The names of its root fields. */
  fields: readonly string[];
  /** The codes of its errors, each once. */
  codes: readonly string[];
}

/** The series of one root field. */
interface FieldSeries {
  field: string;
  ok: Counter;
  seconds: Histogram;
}

/** The series of a plan, and the report of an operation without errors. */
interface PlanSeries {
  all: readonly FieldSeries[];
  report: ExecutionReport;
}

type ExecutionReport = Required<Pick<OperationReport, "fields" | "codes">>;

const secondsBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** The label of what is not known: the client's text must not become a label. */
const none = "none";

const faults: readonly string[] = [
  commonErrors.INTERNAL_SERVER_ERROR.code,
  commonErrors.SERVICE_UNAVAILABLE.code,
];

/** Counts and times operations by their root fields, of which the schema has a fixed number. */
export class OperationMetrics {
  readonly #operations: Family<"operation" | "field" | "code", Counter>;
  readonly #seconds: Family<"operation" | "field", Histogram>;
  /** Plans are cached with their documents. */
  readonly #seriesOfPlan = new WeakMap<SelectionPlan, PlanSeries>();

  constructor(instruments: Instruments) {
    this.#operations = instruments.counters(
      "shop_graphql_operations_total",
      "Executed and rejected operations, once for each root field",
      ["operation", "field", "code"],
    );
    this.#seconds = instruments.histograms(
      "shop_graphql_operation_duration_seconds",
      "Execution time of queries and mutations in seconds, once for each root field",
      ["operation", "field"],
      secondsBounds,
    );
  }

  /**
   * Begins the series of the root fields for success and for faults at 0. The first fault would
   * otherwise be the first sample of its series, and `rate` ignores that.
   */
  begin(schema: GraphQLSchema): void {
    const roots = {
      query: schema.getQueryType(),
      mutation: schema.getMutationType(),
      subscription: schema.getSubscriptionType(),
    };
    for (const [operation, type] of Object.entries(roots)) {
      for (const field of Object.keys(type?.getFields() ?? {})) {
        for (const code of ["OK", ...faults]) this.#operations.of({ operation, field, code });
      }
    }
    for (const code of faults) this.#operations.of({ operation: none, field: none, code });
  }

  /**
   * Counts an executed operation. If an error leaves no data, the client gets none of the root fields,
   * and each counts with that error. Returns the root fields and codes.
   */
  executed(
    kind: OperationKind,
    plan: SelectionPlan,
    { data, errors }: ExecutionResult,
    durationMs: number,
  ): ExecutionReport {
    const { all, report } = this.#seriesOf(kind, plan);
    if (kind !== "subscription") {
      for (const { seconds } of all) seconds.observe(durationMs / 1_000);
    }
    if (errors === undefined) {
      for (const { ok } of all) ok.add();
      return report;
    }
    const codes = errors.map(codeOfError);
    const ofAll = data === null || data === undefined ? worstOf(codes) : undefined;
    for (const { field, ok } of all) {
      const own = codes.filter((_code, at) => concerns(errors[at], plan, field));
      const worst = worstOf(own) ?? ofAll;
      if (worst === undefined) ok.add();
      else this.#operations.of({ operation: kind, field, code: worst }).add();
    }
    return { ...report, codes: [...new Set(codes)] };
  }

  /** Counts an operation that was rejected by an error. Returns the codes. */
  rejected(error: unknown): string[] {
    const codes =
      error instanceof DocumentError ? error.errors.map(codeOfError) : [publicCodeOf(error)];
    const code = worstOf(codes) ?? none;
    this.#operations.of({ operation: none, field: none, code }).add();
    return [...new Set(codes)];
  }

  #seriesOf(operation: OperationKind, plan: SelectionPlan): PlanSeries {
    const existing = this.#seriesOfPlan.get(plan);
    if (existing !== undefined) return existing;
    const fields = [...new Set(plan.fields.map(({ definition }) => definition.name))];
    const all = fields.map((field) => ({
      field,
      ok: this.#operations.of({ operation, field, code: "OK" }),
      seconds: this.#seconds.of({ operation, field }),
    }));
    const series = { all, report: { fields, codes: [] } };
    this.#seriesOfPlan.set(plan, series);
    return series;
  }
}

/** Returns true if an error is of a root field or below it. An error without a path is of all. */
function concerns(error: GraphQLError | undefined, plan: SelectionPlan, field: string): boolean {
  const [responseKey] = error?.path ?? [];
  const root = plan.fields.find((each) => each.responseKey === responseKey);
  return root === undefined || root.definition.name === field;
}

/** Returns the code of an error in the response. A service outside this project has its own codes. */
function codeOfError(error: GraphQLError): string {
  const { code } = formatError(error, "", () => undefined).extensions;
  if (code === clientClosedRequest.code) return code;
  return definitionOf(code) === undefined ? "OTHER" : code;
}

/** Returns true for the code of a fault of the shop. */
export function isFaultCode(code: string): boolean {
  return faults.includes(code);
}

function worstOf(codes: readonly string[]): string | undefined {
  return codes.find(isFaultCode) ?? codes[0];
}
