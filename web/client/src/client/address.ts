/** The addresses of a server: its WebSocket, and beside it server-sent events and its health. */

import { formatCursor } from "../protocol/cursor.js";
import type { Feed, Positions } from "../protocol/frames.js";

/** Several frames may come in one message: a browser pays for each message far more than for what is in it. */
const JOINED = "joined=1";

/** What a client offers so that its token may follow. */
const SUBPROTOCOL = "pulse.v1";

/** What is to be followed, after which positions, and with how many of the newest events where there is none. */
interface Asked {
  readonly feeds: readonly Feed[];
  readonly cursor: Positions;
  readonly newest: Positions;
}

/** The address of a WebSocket, or of what lies beside it, for these feeds after these positions. */
export function addressOf(
  url: string,
  base: string | undefined,
  beside?: string,
  { feeds, cursor, newest }: Asked = { feeds: [], cursor: {}, newest: {} },
): string {
  const address = new URL(url, base);
  if (beside) address.pathname = address.pathname.replace(/[^/]*$/, beside);
  address.protocol = address.protocol.replace(/^(http|ws)/, beside ? "http" : "ws");
  // Our grammar needs no escapes, and a readable address is a shorter one.
  const query = [
    address.search.slice(1),
    `topics=${feeds.join()}`,
    `lastSeq=${formatCursor(cursor)}`,
    `last=${formatCursor(newest)}`,
    beside ? "" : JOINED,
  ];
  address.search = query.filter((part) => !/^$|=$/.test(part)).join("&");
  return address.href;
}

/** How a token travels where no header can be set: as an offer that is never echoed. */
export const offersOf = (token: string | null | undefined): string[] =>
  token ? [SUBPROTOCOL, `bearer.${base64url(token)}`] : [];

const base64url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
