import { expect, test } from "vitest";
import { isGrpcOwn, meantKey } from "../../../src/model/served.ts";
import { parseServiceKey, printServiceKey } from "../../../src/model/service.ts";

const rows: readonly [string, string, readonly string[], string | undefined][] = [
  ["what it names", "g/a.B:1", ["g/a.B:2", "g/a.B:1"], "g/a.B:1"],
  ["version 1.0.0 where it says none", "g/a.B", ["g/a.B:2", "g/a.B:1.0.0"], "g/a.B:1.0.0"],
  ["the one without a version before that", "a.B", ["a.B:1.0.0", "a.B"], "a.B"],
  ["the only one where it says nothing", "a.B", ["g/a.B:2"], "g/a.B:2"],
  ["the only one where it says its group alone", "g/a.B", ["g/a.B:2"], "g/a.B:2"],
  ["the only one where it says its version alone", "a.B:2", ["g/a.B:2"], "g/a.B:2"],
  ["any of several", "a.B", ["g/a.B:2", "g/a.B:3"], undefined],
  ["another version than the only one", "g/a.B:3", ["g/a.B:2"], undefined],
  ["another version where there is a 1.0.0", "g/a.B:3", ["g/a.B:1.0.0", "g/a.B:2"], undefined],
  ["another group than the only one", "h/a.B", ["g/a.B:2"], undefined],
  ["nothing that is known", "a.B", [], undefined],
];

test.each(rows)("a Triple provider takes a call for %s", (_, said, keys, meant) => {
  const found = meantKey(parseServiceKey(said), keys.map(parseServiceKey));
  expect(found && printServiceKey(found)).toBe(meant);
});

test.each([
  ["grpc.health.v1.Health", true],
  ["grpc.reflection.v1alpha.ServerReflection", true],
  ["grpc.channelz.v1.Channelz", true],
  ["grpc.examples.Echo", false],
  ["com.acme.grpc.health.Health", false],
])("%s is gRPC's own: %s", (name, is) => {
  expect(isGrpcOwn(name)).toBe(is);
});
