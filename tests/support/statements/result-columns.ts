import pg from "pg";

/** A column of a statement's result. */
export interface ResultColumn {
  name: string;
  /** Of PostgreSQL, as `pg_type` names it: `int4`, `_uuid`. */
  type: string;
  /** True for a column of a table that can be null; false for one that cannot, and for expressions. */
  isNullable: boolean;
}

/** The messages of PostgreSQL's protocol that pg's types leave out. */
interface Connection {
  parse(statement: { name: string; text: string }): void;
  describe(target: { type: "S"; name: string }): void;
  sync(): void;
}

interface Field extends pg.FieldDef {
  tableID: number;
  columnID: number;
}

/** Lets PostgreSQL describe the result of a statement without running it. */
export async function resultColumns(client: pg.Client, sql: string): Promise<ResultColumn[]> {
  const fields = await new Promise<Field[]>((resolve, reject) => {
    let described: Field[] = [];
    client.query({
      submit(connection: pg.Connection) {
        const messages = connection as unknown as Connection;
        messages.parse({ name: "", text: sql });
        messages.describe({ type: "S", name: "" });
        messages.sync();
      },
      handleRowDescription(message: { fields: Field[] }) {
        described = message.fields;
      },
      handleError: reject,
      handleReadyForQuery() {
        resolve(described);
      },
    } as unknown as pg.Submittable);
  });
  const { rows } = await client.query<ResultColumn>(
    `SELECT field.name, t.typname AS type, coalesce(NOT a.attnotnull, false) AS "isNullable"
     FROM unnest($1::text[], $2::oid[], $3::oid[], $4::integer[])
       WITH ORDINALITY AS field (name, type, relation, number, place)
     JOIN pg_type t ON t.oid = field.type
     LEFT JOIN pg_attribute a ON a.attrelid = field.relation AND a.attnum = field.number
     ORDER BY place`,
    [
      fields.map(({ name }) => name),
      fields.map(({ dataTypeID }) => dataTypeID),
      fields.map(({ tableID }) => tableID),
      fields.map(({ columnID }) => columnID),
    ],
  );
  return rows;
}
