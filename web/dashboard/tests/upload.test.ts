import { expect, test, vi } from "vitest";
import { makeUpload } from "../src/live/upload.js";

/** A request that goes nowhere; `at` is the last one that was opened. */
function requests() {
  const opened: {
    url: string;
    status: number;
    responseText: string;
    onload(): void;
    upload: { onprogress(e: object): void };
  }[] = [];
  const open = () => {
    const request = {
      url: "",
      status: 0,
      responseText: "",
      upload: {},
      open: (_method: string, url: string) => {
        request.url = url;
      },
      setRequestHeader: vi.fn(),
      send: vi.fn(),
    };
    opened.push(request as never);
    return request as unknown as XMLHttpRequest;
  };
  return { opened, open };
}

const file = (name: string) => new File(["12345"], name);

test("an upload goes on whoever looks, and its end is there for who comes back", () => {
  const { opened, open } = requests();
  const upload = makeUpload(open);
  expect(upload.get()).toEqual({ status: "idle" });
  upload.send([file("a.json")], "archivist");
  opened[0]?.upload.onprogress({ loaded: 3 });
  expect(upload.get()).toEqual({ status: "sending", name: "a.json", sent: 3, size: 5 });
  // A second one does not begin meanwhile.
  upload.send([file("b.json")], "");
  expect(opened.map(({ url }) => url)).toEqual(["api/ingestions?name=a.json&agent=archivist"]);
  Object.assign(opened[0] ?? {}, { status: 202 });
  opened[0]?.onload();
  expect(upload.get()).toEqual({ status: "taken", name: "a.json" });
});

test("what is refused is said in words, and of several files none is taken in silence", () => {
  const { opened, open } = requests();
  const upload = makeUpload(open);
  upload.send([file("a.json"), file("b.json")], "");
  expect(upload.get()).toEqual({ status: "refused", why: "One file at a time, and these are 2." });
  upload.send([file("a.json")], "");
  Object.assign(opened[0] ?? {}, { status: 422, responseText: '{"detail":"no export"}' });
  opened[0]?.onload();
  expect(upload.get()).toEqual({ status: "refused", why: "no export" });
});
