import { snapshotQueries, type Service, type Snapshot } from "../../tools/verify/snapshot.ts";
import type { Project } from "./containers/project.ts";

/** The services whose tables the checks need. */
const checkedServices = Object.keys(snapshotQueries) as Service[];

/** The databases of a shop, which are reachable only inside their containers. */
export class Tables {
  readonly #project: Project;

  constructor(project: Project) {
    this.#project = project;
  }

  async query<Row>(service: Service, sql: string): Promise<Row[]> {
    const [database] = await this.#project.containers(`${service}-db`);
    const list = `SELECT coalesce(json_agg(row_to_json(t)), '[]') FROM (${sql}) t`;
    const psql = `psql -h 127.0.0.1 -U shop -d ${service} -At -v ON_ERROR_STOP=1 -c "$0"`;
    const script = `PGPASSWORD=$(cat /secrets/password) exec ${psql}`;
    const text = await this.#project.docker("exec", database?.id ?? "", "sh", "-c", script, list);
    return JSON.parse(text) as Row[];
  }

  /** Reads all tables that the checks need. The shop must be quiescent. */
  async snapshot(): Promise<Snapshot> {
    const snapshot: Partial<Record<Service, Record<string, unknown>>> = {};
    for (const service of checkedServices) {
      const tables: Record<string, unknown> = {};
      for (const [table, sql] of Object.entries(snapshotQueries[service])) {
        tables[table] = await this.query(service, sql);
      }
      snapshot[service] = tables;
    }
    return snapshot as unknown as Snapshot;
  }
}

/** Lists the tables that differ between two snapshots, with their numbers of rows. */
export function differences(before: Snapshot, after: Snapshot): string[] {
  return checkedServices.flatMap((service) => {
    const now = after[service] as unknown as Record<string, unknown[]>;
    return Object.entries(before[service]).flatMap(([table, rows]: [string, unknown[]]) =>
      JSON.stringify(rows) === JSON.stringify(now[table])
        ? []
        : [`${service}.${table} (${rows.length} rows, then ${now[table]?.length ?? 0})`],
    );
  });
}
