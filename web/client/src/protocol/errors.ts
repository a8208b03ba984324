/** What can be wrong with what was asked for. */

/** A client asked for something outside the grammar; `code` is that of the `error` frame which answers it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code: "invalid_topic" | "invalid_key" | "invalid_cursor";

  constructor(code: UsageError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
