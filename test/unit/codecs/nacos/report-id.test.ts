import { expect, test } from "vitest";
import { reportDataId } from "../../../../src/codecs/nacos/report-id.ts";

test.each([
  ["peer.Hello", "1.0.0", "g", "dubbo-p", "peer.Hello:1.0.0:g:provider:dubbo-p"],
  ["peer.Hello", "", "", "app", "peer.Hello:::provider:app"],
  ["a.B$C", "", "x/y", "app", "a.B___C::x-y:provider:app"],
])("the report of %s, version %j, group %j, by %s", (interfaceName, version, group, application, id) => {
  expect(reportDataId({ interfaceName, version, group, application })).toBe(id);
});

test.each([
  ["a space", "my app"],
  ["a separator of the wire", "a\u0001b"],
  ["over 256 characters", "a".repeat(250)],
])("with %s in it there can be none", (_, application) => {
  expect(reportDataId({ interfaceName: "a.B", version: "", group: "", application })).toBeUndefined();
});
