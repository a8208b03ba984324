/** The client, for all components below. */

import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useSyncExternalStore,
} from "react";
import type { Client, Connection, RegisteredEvents } from "../index.js";

const Context = createContext<Client<RegisteredEvents> | undefined>(undefined);

/** Gives a client to every hook below it. Make the client once, outside of components. */
export function PulseProvider(props: { client: Client<RegisteredEvents>; children?: ReactNode }): ReactElement {
  return createElement(Context.Provider, { value: props.client }, props.children);
}

/** The client of the nearest `PulseProvider`. */
export function useClient(): Client<RegisteredEvents> {
  const client = useContext(Context);
  if (!client) throw new Error("there is no PulseProvider around this component");
  return client;
}

const IDLE: Connection = { status: "idle" };

/** The life of the connection: its `status`, and while it is open `recovered` and `latencyMs`. */
export function useConnection(): Connection {
  const client = useClient();
  return useSyncExternalStore(
    client.onConnection,
    () => client.connection,
    () => IDLE,
  );
}
