import { beforeEach, expect, test } from "vitest";
import { JuteWriter } from "../../../../../src/codecs/zookeeper/jute.ts";
import { writeRequest } from "../../../../../src/codecs/zookeeper/requests.ts";
import { ArmedWatches, SET_WATCHES_BYTES } from "../../../../../src/registry-sync/sources/zookeeper/armed.ts";

let armed: ArmedWatches;

beforeEach(() => {
  armed = new ArmedWatches();
});

test("each read arms its kind of watch, and is set again as that", () => {
  armed.answered({ op: "getData", path: "/d", watch: true });
  armed.answered({ op: "exists", path: "/x", watch: true });
  armed.answered({ op: "exists", path: "/no", watch: true }, false);
  armed.answered({ op: "getChildren", path: "/c", watch: true });
  armed.answered({ op: "getData", path: "/plain", watch: false });
  const none = { persistent: [], recursive: [] };
  expect([...armed.requests(9n)]).toEqual([
    { op: "setWatches", relativeZxid: 9n, data: ["/d", "/x"], exist: ["/no"], child: ["/c"], ...none },
  ]);
  armed.answered({ op: "addWatch", path: "/p", mode: 0 });
  armed.answered({ op: "addWatch", path: "/r", mode: 1 });
  expect([...armed.requests(9n)]).toMatchObject([{ op: "setWatches2", persistent: ["/p"], recursive: ["/r"] }]);
});

test("what fired is not set again, what stays is", () => {
  armed.answered({ op: "getData", path: "/a", watch: true });
  armed.answered({ op: "getChildren", path: "/a", watch: true });
  armed.answered({ op: "addWatch", path: "/a", mode: 1 });
  armed.fired({ type: 3, state: 3, path: "/a" });
  expect([...armed.requests(1n)]).toMatchObject([{ data: [], child: ["/a"], recursive: ["/a"] }]);
  armed.fired({ type: 2, state: 3, path: "/a" });
  expect([...armed.requests(1n)]).toMatchObject([{ data: [], child: [], recursive: ["/a"] }]);
  armed.answered({ op: "removeWatches", path: "/a", type: 3 });
  expect([...armed.requests(1n)]).toEqual([]);
});

test("pieces stay under 128 KiB and hold everything once", () => {
  const paths = Array.from({ length: 3000 }, (_, index) => `/é${"x".repeat(200)}${index}`);
  for (const path of paths) armed.answered({ op: "getChildren", path, watch: true });
  const pieces = [...armed.requests(1n)];
  expect(pieces.length).toBeGreaterThan(4);
  for (const piece of pieces) {
    const writer = new JuteWriter();
    writeRequest(writer, -8, piece);
    expect(writer.finish().length).toBeLessThanOrEqual(SET_WATCHES_BYTES);
  }
  expect(pieces.flatMap(({ child }) => child)).toEqual(paths);
});
