/** What can be wrong with what was said: the peer broke the protocol, or we were asked for what cannot be. */

/** The peer sent what is no frame. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** A client asked for something outside the grammar; `code` is that of the `error` frame which answers it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code: "invalid_topic" | "invalid_key" | "invalid_cursor";

  constructor(code: UsageError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
