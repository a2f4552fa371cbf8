/** A migration that cannot run now. The message, without the name of the database, says what to do. */
export class MigrationProblem extends Error {
  override readonly name = "MigrationProblem";
}
