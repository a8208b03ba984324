/** The upload of an export: it goes on whichever screen is shown, and how it went is there for who comes back. */

import { reasonIn } from "../api/ask.js";
import { makeStore, type Store } from "./store.js";

export type Upload =
  | { readonly status: "idle" }
  | { readonly status: "sending"; readonly name: string; readonly sent: number; readonly size: number }
  | { readonly status: "taken"; readonly name: string }
  | { readonly status: "refused"; readonly why: string };

export interface Uploading extends Store<Upload> {
  /** Send this file, one at a time; `agent`: who finds the knowledge in it, by id, else the rules do. */
  send(files: readonly File[], agent: string): void;
}

/** Not fetch, which does not say how much is sent. */
export function makeUpload(open: () => XMLHttpRequest = () => new XMLHttpRequest()): Uploading {
  let now: Upload = { status: "idle" };
  const store = makeStore<Upload>(() => now);

  function become(next: Upload): void {
    now = next;
    store.changed();
  }

  function send(file: File, agent: string): void {
    const { name, size } = file;
    const request = open();
    const query = new URLSearchParams({ name, ...(agent !== "" && { agent }) });
    request.open("POST", `api/ingestions?${query}`);
    request.setRequestHeader("content-type", "application/json");
    request.upload.onprogress = ({ loaded }) => become({ status: "sending", name, sent: loaded, size });
    request.onload = () => {
      if (request.status < 300) become({ status: "taken", name });
      else
        become({ status: "refused", why: reasonIn(request.responseText) ?? `The server answered ${request.status}.` });
    };
    request.onerror = () => become({ status: "refused", why: "The server cannot be reached." });
    become({ status: "sending", name, sent: 0, size });
    request.send(file);
  }

  return {
    ...store,
    send(files, agent) {
      const [file] = files;
      // What is under way is seen, and so is that nothing else is.
      if (file === undefined || now.status === "sending") return;
      if (files.length === 1) send(file, agent);
      else become({ status: "refused", why: `One file at a time, and these are ${files.length}.` });
    },
  };
}

export const upload = makeUpload();
