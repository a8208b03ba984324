/** Asking the API, and saying what it answers when it refuses. */

/** It was refused, in words for a person. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function ask<Answer>(
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(path, {
    method,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refused(0, "The server cannot be reached.");
  });
  const text = await response.text();
  if (!response.ok) throw new Refused(response.status, reasonIn(text) ?? `The server answered ${response.status}.`);
  return (text === "" ? undefined : JSON.parse(text)) as Answer;
}

/** FastAPI says what is wrong as a text, or as a list of fields; our own routes as a message. */
export function reasonIn(text: string): string | undefined {
  try {
    const { detail, error } = JSON.parse(text) as { detail?: unknown; error?: { message?: string } };
    if (Array.isArray(detail))
      return detail.map(({ loc, msg }: { loc: unknown[]; msg: string }) => `${loc.at(-1)}: ${msg}`).join("; ");
    return typeof detail === "string" ? detail : error?.message;
  } catch {
    return undefined;
  }
}

/** A page of rows; `next` asks for the one after it. */
export interface Page<Row> {
  readonly items: readonly Row[];
  readonly next: number | null;
}

/** As many as a page may have. */
export const LIMIT = 500;
export const PAGE = `limit=${LIMIT}`;
