/** Fields of a log line beside its message. In JSON, each is a property of the line. */
export class LogFields {
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.fields = fields;
  }
}
