import { expect, test } from "vitest";
import { tagOf } from "../../../../src/bridge-proxy/dubbo/resolve.ts";
import type { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";

function headWith(attachments: Readonly<Record<string, string>>): RequestHead {
  return { attachments: () => ({ get: (key: string) => attachments[key] }) } as unknown as RequestHead;
}

test.each<[string, Readonly<Record<string, string>> | undefined, string, { tag: string; tagForced: boolean }]>([
  ["nothing said", {}, "", { tag: "", tagForced: false }],
  ["its own tag", { "dubbo.tag": "gray" }, "", { tag: "gray", tagForced: false }],
  ["its own tag over the registered one", { "dubbo.tag": "gray" }, "blue", { tag: "gray", tagForced: false }],
  ["the registered tag", {}, "blue", { tag: "blue", tagForced: false }],
  ["the registered tag where its own is empty", { "dubbo.tag": "" }, "blue", { tag: "blue", tagForced: false }],
  ["a forced tag", { "dubbo.tag": "gray", "dubbo.force.tag": "true" }, "", { tag: "gray", tagForced: true }],
  ["a registered tag, forced", { "dubbo.force.tag": "true" }, "blue", { tag: "blue", tagForced: true }],
  ["a body that cannot be read", undefined, "blue", { tag: "blue", tagForced: false }],
])("the tag of a call with %s", (_, attachments, registered, expected) => {
  expect(tagOf(attachments && headWith(attachments), registered)).toEqual(expected);
});
