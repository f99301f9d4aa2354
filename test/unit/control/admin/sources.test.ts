import { expect, test } from "vitest";
import { REDACTED, resourcesWithoutSecrets, withoutSecrets } from "../../../../src/control/admin/sources.ts";
import { adminSourcesOf } from "../../../support/admin-sources.ts";
import { entryOf } from "../../../support/rule-cases.ts";

test("tokens and parameters that look like secrets are hidden, others shown", () => {
  const [endpoint] = withoutSecrets(
    entryOf("com.acme.A", [
      "dubbo://10.0.0.1:20880?token=t&password=p&db.passwd=x&accessKey=k&client-secret=s&lane=v1&empty.token=",
    ]),
  ).endpoints;
  expect(endpoint!.token).toBe(REDACTED);
  expect(endpoint!.params).toEqual({
    token: REDACTED,
    password: REDACTED,
    "db.passwd": REDACTED,
    accessKey: REDACTED,
    "client-secret": REDACTED,
    lane: "v1",
    "empty.token": "",
  });
});

test("an endpoint without a token has none to hide", () => {
  expect(withoutSecrets(entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"])).endpoints[0]!.token).toBe("");
});

test("resources are shown without the tokens of endpoints", () => {
  const resources = adminSourcesOf().resources()!;
  expect(JSON.stringify(resources)).toContain("hush");
  const shown = JSON.stringify(resourcesWithoutSecrets(resources));
  expect(shown).not.toContain("hush");
  expect(shown).toContain(REDACTED);
});
