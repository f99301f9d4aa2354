import { expect, test } from "vitest";
import { resolveOutputs } from "../../../../src/cli/config/outputs.ts";

function resolve(flags: readonly string[] | undefined, raw?: readonly object[]) {
  const faults: string[] = [];
  const { places, xdsPlace, ...found } = resolveOutputs(
    flags,
    raw,
    (i) => `outputs[${i}]`,
    (path, message) => faults.push(`${path} ${message}`),
  );
  return { ...found, places, xdsPlace, faults };
}

test("entries are written and xDS is served, each by its kind and place", () => {
  expect(resolve(undefined, [{ xds: "0.0.0.0:15011" }, { files: "a" }, { files: "b" }])).toEqual({
    outputs: [{ files: "a" }, { files: "b" }],
    xds: { host: "0.0.0.0", port: 15_011 },
    places: [1, 2],
    xdsPlace: 0,
    faults: [],
  });
});

test("flags win over the file", () => {
  expect(resolve(["files=x", "xds=10.0.0.1"], [{ files: "a" }])).toMatchObject({
    outputs: [{ files: "x" }],
    xds: { host: "10.0.0.1", port: 15_011 },
    faults: [],
  });
});

test("nothing given is nothing written", () => {
  expect(resolve(undefined)).toEqual({ outputs: [], places: [], xdsPlace: 0, faults: [] });
});

test.each([
  [["kubernetes=x"], "outputs[0] an output kubernetes is not supported yet; files=FOLDER and xds=HOST:PORT are"],
  [["nowhere"], 'outputs[0] "nowhere" is no output; use files=FOLDER or xds=HOST:PORT'],
  [["xds=15011"], 'outputs[0] "15011" is no host:port to serve xDS at, such as 0.0.0.0:15011'],
  [["xds=a:1", "xds=b:1"], "outputs[1] xDS is served at one address; there is another one already"],
])("%s is refused", (flags, fault) => {
  expect(resolve(flags).faults).toEqual([fault]);
});

test.each([
  [[{}], "outputs[0] says nothing; give files or xds"],
  [[{ files: "a", xds: "b:1" }], "outputs[0] is files and xds; give each an item of its own"],
])("an item %o is refused", (raw, fault) => {
  expect(resolve(undefined, raw).faults).toEqual([fault]);
});
